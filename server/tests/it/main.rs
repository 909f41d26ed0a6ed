mod support;
mod telemetry;
