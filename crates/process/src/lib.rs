//! What every process does: config, logs, metrics, health, drain, heartbeat.
