//! One node of the reference cluster, shipped beside `fracas`. All of it lives in `fracas-regent`.

fn main() -> std::process::ExitCode {
    fracas_regent::main()
}
