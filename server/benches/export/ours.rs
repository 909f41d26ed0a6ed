//! This product's export, from the bus on.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use server::bus::Bus;
use server::egress::Policy;
use server::event::Event;
use server::live::{Batch, Compression, ExportTarget, Exports, Owner, SignalTarget, Temporality};
use server::outbound::Outbound;
use server::telemetry::{Options, OutboundTransport, Status, Telemetry};
use server::values::{Endpoint, ExactUrl, HeaderList, Signal};
use tokio::sync::watch;

use crate::events::{Events, TENANT};
use crate::{AHEAD, Cost, cpu_micros};

pub fn cost(endpoint: &str, requests: u64, both: bool) -> Result<Cost, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let _inside = runtime.enter();
    let mut exports = Exports { operator: Some(Arc::new(target(Owner::Operator, endpoint)?)), ..Exports::default() };
    if both {
        exports.tenants.insert(TENANT, Arc::new(target(Owner::Tenant(TENANT), endpoint)?));
    }
    let exports = watch::Sender::new(Arc::new(exports));
    let bus = Bus::default();
    let outbound = Outbound::new(Policy::new(["127.0.0.0/8".parse()?]))?;
    let options = Options { own_thread: true, ..Options::default() };
    let telemetry = Telemetry::start(exports.subscribe(), &bus, Arc::new(OutboundTransport::new(outbound)), options);
    let owners = if both { vec![Owner::Operator, Owner::Tenant(TENANT)] } else { vec![Owner::Operator] };
    let status = |owner: &Owner| telemetry.status(*owner).ok_or("there is no such destination");

    let before = cpu_micros().ok_or("no /proc")?;
    for (n, request) in (0_u64..).zip(Events::new().take(requests.try_into()?)) {
        bus.emit(request.tenant, || Event::Request(request));
        while n % 512 == 0 && status(&Owner::Operator)?.queued > AHEAD {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    runtime.block_on(telemetry.shutdown(Duration::from_secs(60)));
    let cpu_micros = cpu_micros().ok_or("no /proc")? - before;
    let ended = owners.iter().map(status).collect::<Result<Vec<Status>, _>>()?;
    let delivered: u64 = ended.iter().map(|status| status.delivered).sum();
    if delivered != requests * if both { 3 } else { 2 } {
        return Err(format!("not everything was delivered: {ended:?}").into());
    }
    Ok(Cost { records: delivered, cpu_micros })
}

fn target(owner: Owner, endpoint: &str) -> Result<ExportTarget, Box<dyn Error>> {
    let base = Endpoint::parse(endpoint)?;
    let signal = |signal: Signal| -> Result<SignalTarget, Box<dyn Error>> {
        Ok(SignalTarget {
            url: ExactUrl::parse(&base.signal_url(signal))?,
            headers: HeaderList::parse("")?,
            timeout: Duration::from_secs(10),
        })
    };
    Ok(ExportTarget {
        owner,
        generation: 1,
        managed: false,
        service_name: "knoxcall".to_owned(),
        resource: Vec::new(),
        traces: if owner == Owner::Operator { Some(signal(Signal::Traces)?) } else { None },
        logs: Some(signal(Signal::Logs)?),
        metrics: Some(signal(Signal::Metrics)?),
        suspended: Vec::new(),
        compression: Compression::Gzip,
        temporality: Temporality::Cumulative,
        metric_interval: Duration::from_secs(60),
        span_batch: Batch::default(),
        log_batch: Batch::default(),
        certificate: None,
    })
}
