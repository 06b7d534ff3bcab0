//! All that is promised of the outputs, tried on invented runs.

mod browser;
mod hostile;
mod markup;
mod nights;
mod outputs;
mod prometheus;
mod ranking;
mod samples;
mod told;
