//! Rebuilds the server when the embedded browser part has changed.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_EMBED_ASSETS").is_some() {
        println!("cargo:rerun-if-changed=../target/site");
        println!("cargo:rerun-if-changed=../target/site/pkg");
    }
}
