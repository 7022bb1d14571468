//! Where events go: to journald when it listens, text on a terminal, JSON lines otherwise.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat, LogLevel};

/// The name under which journald files our events.
const IDENTIFIER: &str = "anteroom";
/// Where systemd says which stream leads to journald, as `device:inode`.
const JOURNAL_VARIABLE: &str = "JOURNAL_STREAM";

/// How events are written, once that is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sink {
    Journal,
    Text,
    Json,
}

/// Sends all events of this process where the configuration says. Called once, at start.
///
/// # Errors
/// `journal` is asked for and journald does not listen.
pub fn start(log: &Log) -> io::Result<()> {
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target(env!("CARGO_CRATE_NAME"), level(log.level));
    let registry = tracing_subscriber::registry();
    match sink(log.format) {
        Sink::Journal => {
            let layer = tracing_journald::layer()?
                .with_syslog_identifier(IDENTIFIER.to_owned())
                .with_field_prefix(Some(IDENTIFIER.to_uppercase()));
            registry.with(layer.with_filter(filter)).init();
        }
        Sink::Text => {
            let layer = tracing_subscriber::fmt::layer()
                .with_target(false)
                .with_writer(io::stderr)
                .with_ansi(io::stderr().is_terminal());
            registry.with(layer.with_filter(filter)).init();
        }
        Sink::Json => {
            let layer = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_writer(io::stderr);
            registry.with(layer.with_filter(filter)).init();
        }
    }
    Ok(())
}

fn sink(format: LogFormat) -> Sink {
    match format {
        LogFormat::Journal => Sink::Journal,
        LogFormat::Text => Sink::Text,
        LogFormat::Json => Sink::Json,
        LogFormat::Auto if leads_to_journal() => Sink::Journal,
        LogFormat::Auto if io::stderr().is_terminal() => Sink::Text,
        LogFormat::Auto => Sink::Json,
    }
}

/// Whether our standard error is the stream that systemd connected to journald. The variable alone
/// proves nothing: it is inherited by whoever redirects the stream.
fn leads_to_journal() -> bool {
    let Ok(stream) = std::env::var(JOURNAL_VARIABLE) else {
        return false;
    };
    let own = io::stderr()
        .as_fd()
        .try_clone_to_owned()
        .and_then(|fd| File::from(fd).metadata());
    own.is_ok_and(|own| is_stream(&stream, own.dev(), own.ino()))
}

fn is_stream(stream: &str, device: u64, inode: u64) -> bool {
    stream == format!("{device}:{inode}")
}

fn level(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_journalds_only_if_device_and_inode_agree() {
        assert!(is_stream("8:123", 8, 123));
        assert!(!is_stream("8:123", 8, 124));
        assert!(!is_stream("9:123", 8, 123));
        assert!(!is_stream("", 8, 123));
    }

    #[test]
    fn a_format_that_is_set_is_taken() {
        assert_eq!(sink(LogFormat::Json), Sink::Json);
        assert_eq!(sink(LogFormat::Text), Sink::Text);
        assert_eq!(sink(LogFormat::Journal), Sink::Journal);
    }
}
