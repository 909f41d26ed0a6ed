//! The bootstrap file.

use std::collections::BTreeSet;
use std::str::from_utf8;

use server::config::bootstrap::Bootstrap;

/// What every environment variable holds; one is set if its name is not empty and does not begin with `UNSET`.
const SECRET: &str = "canary-of-the-environment";

/// Text of a file.
pub fn bootstrap(data: &[u8]) {
    let Ok(text) = from_utf8(data) else { return };
    let vars = |name: &str| (!name.is_empty() && !name.starts_with("UNSET")).then(|| SECRET.to_owned());
    let file = match Bootstrap::parse(text, &vars) {
        Ok(file) => file,
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a word");
            let lines = text.matches('\n').count() + 1;
            assert!(errors.windows(2).all(|pair| pair[0].line <= pair[1].line), "the complaints are not in order: {errors:?}");
            for error in errors {
                assert!((1..=lines).contains(&error.line), "{error} in {lines} lines");
                assert!(!error.key.is_empty());
                assert!(!error.to_string().contains(SECRET), "a complaint quotes a secret: {error}");
            }
            return;
        }
    };
    unique("workspaces", file.workspaces.iter().map(|workspace| workspace.slug.to_string()));
    for workspace in &file.workspaces {
        unique("routes", workspace.routes.iter().map(|route| route.slug.to_string()));
        unique("webhooks", workspace.webhooks.iter().map(|webhook| webhook.name.to_string()));
        unique("agents", workspace.agents.iter().map(|agent| agent.slug.to_string()));
        for route in &workspace.routes {
            unique("environments", route.environments.iter().map(|environment| environment.name.to_string()));
            assert!(route.environments.iter().filter(|environment| environment.default).count() < 2);
        }
    }
    assert_eq!(Bootstrap::parse(&format!("{text}\n# a comment\n"), &vars).as_ref(), Ok(&file), "a comment means something");
    // The same values in the way another writer of TOML puts them, numbers in decimals for one.
    let table: toml::Table = text.parse().expect("what is no TOML was read");
    let again = toml::to_string(&table).expect("what was read can't be written");
    assert_eq!(Bootstrap::parse(&again, &vars).as_ref(), Ok(&file), "written otherwise it means something else:\n{again}");
}

fn unique(what: &str, names: impl Iterator<Item = String>) {
    let mut seen = BTreeSet::new();
    for name in names {
        assert!(!seen.contains(&name), "two {what} are called {name}");
        seen.insert(name);
    }
}
