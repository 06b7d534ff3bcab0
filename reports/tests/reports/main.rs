//! All that is promised of the outputs, tried on invented runs.

mod hostile;
mod markup;
mod outputs;
mod ranking;
mod samples;
