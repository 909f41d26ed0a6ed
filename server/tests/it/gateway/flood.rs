//! An attack with made-up keys: told by a few events and their number, and nobody else's events are lost in it.

use server::event::SecurityKind;

use super::rig::{Rig, Table, client};
use crate::support::upstream::Upstream;

#[tokio::test]
async fn a_flood_of_rejected_keys_is_a_few_events_and_a_number() {
    let upstream = Upstream::start().await;
    let rig = Rig::start(&Table::to(&upstream.url())).await;
    let client = client();
    for n in 0..300 {
        let request = client.get(rig.url("/")).header("x-knoxcall-key", format!("tk_guess{n}")).header("x-knoxcall-route", "billing");
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
    assert_eq!(rig.recorder.wait(300).await.len(), 300, "every request has its own span all the same");
    let told = rig.recorder.security();
    assert_eq!(told.len(), 10, "then only counted");
    rig.bus.flush();
    let told = rig.recorder.security();
    let [.., summary] = &told[..] else { panic!("nothing") };
    assert_eq!((told.len(), summary.kind, summary.count), (11, SecurityKind::ApiKeyRejected, 290));
    assert_eq!(told.iter().map(|event| event.count).sum::<u64>(), 300, "nothing is lost");
    rig.bus.flush();
    assert_eq!(rig.recorder.security().len(), 11, "told once");
}
