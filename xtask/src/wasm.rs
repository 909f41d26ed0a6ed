//! From the compiler's one wasm file to those that the browser loads: the main one, the parts that are fetched when one of
//! their pages is opened, what parts share, and the JavaScript that binds them together.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};

use crate::run::{Cmd, step};
use crate::site::{hash, short};

/// What fetches the parts, beside wasm-bindgen's own script; the wasm files know it by this name.
const LOADER: &str = "./parts.js";

/// The files of the parts: for each part the names of those that make it, without their folder.
pub struct Parts {
    pub of: BTreeMap<String, Vec<String>>,
    /// Name and content.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Takes `raw` apart, binds and optimises it; skipped when it is the same as last time. Leaves `knoxcall.wasm` and
/// `knoxcall.js` in `scratch`.
pub fn bind(style: &Path, raw: &Path, scratch: &Path) -> Result<Parts> {
    let fingerprint = hash(&fs::read(raw)?);
    let stamp = scratch.join("wasm.stamp");
    let split = scratch.join("split");
    if !fs::read_to_string(&stamp).is_ok_and(|last| last == fingerprint) {
        let _ = fs::remove_file(&stamp);
        step("Splitting, wasm-bindgen and wasm-opt (some 75 seconds)", || bind_anew(style, raw, scratch, &split))?;
        fs::write(&stamp, &fingerprint)?;
    }
    let parts = name_parts(&split)?;
    bundle(style, scratch, &split, &parts)?;
    Ok(parts.parts)
}

fn bind_anew(style: &Path, raw: &Path, scratch: &Path, split: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(split);
    let main = scratch.join("main.wasm");
    let input = fs::read(raw)?;
    let mut options = wasm_split_cli_support::Options::new(&input);
    options.output_dir = split;
    options.main_out_path = &main;
    options.link_name = LOADER;
    options.main_module = "./knoxcall.js";
    let made = wasm_split_cli_support::transform(options).map_err(|error| anyhow!("{error:?}"))?;
    fs::write(split.join("parts.json"), serde_json::to_vec(&made.prefetch_map)?)?;
    // As a library: its version is then always the one in Cargo.lock.
    let bound = scratch.join("bound");
    wasm_bindgen_cli_support::Bindgen::new()
        .input_path(&main)
        .web(true)
        .map_err(|error| anyhow!("{error:?}"))?
        .typescript(false)
        // The parts import the memory, the table and the stack's pointer, and find functions by their place in the table.
        .keep_lld_exports(true)
        .demangle(false)
        .omit_default_module_path(true)
        .out_name("knoxcall")
        .generate(&bound)
        .map_err(|error| anyhow!("{error:?}"))?;
    std::thread::scope(|scope| {
        let main = scope.spawn(|| optimise(style, &bound.join("knoxcall_bg.wasm"), &scratch.join("knoxcall.wasm")));
        made.split_modules.iter().try_for_each(|file| optimise(style, file, file))?;
        main.join().map_err(|_| anyhow!("wasm-opt's thread panicked"))?
    })
}

fn optimise(style: &Path, from: &Path, to: &Path) -> Result<()> {
    Cmd::new(style.join("node_modules/.bin/wasm-opt"), style)
        // What every browser of the last years has; `--all-features` would use encodings that none has yet.
        .args(["--enable-bulk-memory", "--enable-bulk-memory-opt", "--enable-reference-types", "--enable-mutable-globals"])
        .args(["--enable-sign-ext", "--enable-nontrapping-float-to-int", "--enable-multivalue"])
        .args(["-Oz", "--output"])
        .arg(to)
        .arg(from)
        .run()
}

struct Named {
    parts: Parts,
    /// Stem as the splitter calls a file, and its name with a hash.
    names: HashMap<String, String>,
}

fn name_parts(split: &Path) -> Result<Named> {
    let map: BTreeMap<String, Vec<String>> = serde_json::from_slice(&fs::read(split.join("parts.json"))?)?;
    let mut named = Named { parts: Parts { of: BTreeMap::new(), files: BTreeMap::new() }, names: HashMap::new() };
    for (part, stems) in map {
        for stem in stems {
            let bytes = fs::read(split.join(format!("{stem}.wasm"))).with_context(|| stem.clone())?;
            let name = format!("{}.{}.wasm", stem.trim_start_matches("split_"), short(&bytes));
            named.parts.of.entry(part.clone()).or_default().push(name.clone());
            named.parts.files.insert(name.clone(), bytes);
            named.names.insert(stem, name);
        }
    }
    Ok(named)
}

/// One script of the two: they import each other, and a name with a content hash can't be in what it is the hash of.
fn bundle(style: &Path, scratch: &Path, split: &Path, named: &Named) -> Result<()> {
    let folder = scratch.join("script");
    fs::create_dir_all(&folder)?;
    let loader = adapted(&fs::read_to_string(split.join(LOADER))?, &named.names, &style.join("page/parts.ts"))?;
    fs::write(folder.join(LOADER), loader)?;
    let main: PathBuf = folder.join("knoxcall.js");
    fs::copy(scratch.join("bound/knoxcall.js"), &main)?;
    Cmd::new(style.join("node_modules/.bin/esbuild"), style)
        .arg(&main)
        .args(["--bundle", "--minify", "--format=esm", "--target=es2022", "--log-level=warning"])
        // wasm-bindgen names what it imports from the loader once for each function.
        .arg("--log-override:duplicate-object-key=silent")
        .arg(format!("--outfile={}", scratch.join("knoxcall.js").display()))
        .run()
}

/// The generated loader, which asks for the files by their names with a hash, and as `ours` asks.
fn adapted(generated: &str, names: &HashMap<String, String>, ours: &Path) -> Result<String> {
    let mut loader = generated.to_owned();
    for (stem, name) in names {
        loader = replaced(&loader, &format!("\"./{stem}.wasm\""), &format!("\"./{name}\""), 1)?;
    }
    loader = replaced(&loader, "fetch(new URL(", "ask(new URL(", names.len())?;
    loader = replaced(&loader, "await callee();", "await staying(callee);", 1)?;
    Ok(format!("import {{ ask, staying }} from {};\n{loader}", serde_json::to_string(ours)?))
}

/// With every `from` replaced, which has to be there so many times.
fn replaced(text: &str, from: &str, to: &str, times: usize) -> Result<String> {
    let found = text.matches(from).count();
    ensure!(
        found == times,
        "the loader that wasm_split_cli_support makes has `{from}` {found} times and not {times}: is it another version?"
    );
    Ok(text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENERATED: &str = r#"
        try {
            await callee();
            success = true;
        }
        const __chunk_1 = makeLoad(() => { const src = fetch(new URL("./chunk_1.wasm", import.meta.url)); }, []);
        export const load = wrapAsyncCb(makeLoad(() => { const src = fetch(new URL("./split_one.wasm", import.meta.url)); }, [__chunk_1]));
    "#;

    #[test]
    fn a_loader_that_is_not_as_expected_ends_the_build() {
        let names = [("chunk_1", "chunk_1.ab.wasm"), ("split_one", "one.cd.wasm")];
        let names = HashMap::from(names.map(|(stem, name)| (stem.to_owned(), name.to_owned())));
        let ours = Path::new("/style/page/parts.ts");
        let loader = adapted(GENERATED, &names, ours).unwrap();
        assert!(loader.starts_with("import { ask, staying } from \"/style/page/parts.ts\";\n"));
        for part in ["await staying(callee);", "= ask(new URL(\"./chunk_1.ab.wasm\", ", "= ask(new URL(\"./one.cd.wasm\", "] {
            assert!(loader.contains(part), "{part} in {loader}");
        }
        for (from, to) in [("fetch(new URL(", "load(new URL("), ("await callee()", "await called()"), ("chunk_1.wasm", "chunk_2.wasm")] {
            let error = adapted(&GENERATED.replace(from, to), &names, ours).unwrap_err().to_string();
            assert!(error.contains("times and not"), "{from}: {error}");
        }
    }
}
