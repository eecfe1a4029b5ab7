//! One dependency that is asked, bounded in time.

use std::sync::Arc;
use std::time::Duration;

use domain::ErrorChain;
use domain::ports::Source;
use futures::future::{BoxFuture, FutureExt};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

/// How long a dependency may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

type Ping = Arc<dyn Fn() -> BoxFuture<'static, Result<(), Source>> + Send + Sync>;

/// One dependency that readiness asks.
#[derive(Clone)]
pub struct HealthCheck {
    pub(super) name: &'static str,
    pub(super) required: bool,
    ping: Ping,
}

impl HealthCheck {
    /// A dependency without which the service cannot do its work: while it is down, the service is
    /// not ready.
    pub fn required<T, E>(
        name: &'static str,
        dependency: &Arc<T>,
        ping: for<'a> fn(&'a T) -> BoxFuture<'a, Result<(), E>>,
    ) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
        E: Into<Source> + 'static,
    {
        let dependency = dependency.clone();
        let ping = move || {
            let dependency = dependency.clone();
            async move { ping(&dependency).await.map_err(Into::into) }.boxed()
        };
        Self { name, required: true, ping: Arc::new(ping) }
    }

    /// A dependency whose absence only takes something away: the service is degraded, and ready.
    pub fn optional<T, E>(
        name: &'static str,
        dependency: &Arc<T>,
        ping: for<'a> fn(&'a T) -> BoxFuture<'a, Result<(), E>>,
    ) -> Self
    where
        T: ?Sized + Send + Sync + 'static,
        E: Into<Source> + 'static,
    {
        Self { required: false, ..Self::required(name, dependency, ping) }
    }

    /// An answer in time, or why there is none.
    pub(super) async fn ask(&self, runtime: &Handle) -> Result<(), String> {
        let asked = AbortOnDropHandle::new(runtime.spawn((self.ping)()));
        match tokio::time::timeout(ANSWER_TIMEOUT, asked).await {
            Ok(Ok(answer)) => answer.map_err(|error| ErrorChain(&*error).to_string()),
            Ok(Err(ended)) => Err(ended.to_string()),
            Err(_) => Err("it does not answer in time".to_owned()),
        }
    }

    /// Once per outage, and once at its end.
    pub(super) fn log_change(&self, was_up: bool, answer: &Result<(), String>) {
        match answer {
            Err(error) if was_up => {
                tracing::warn!(
                    event = "dependency.down",
                    dependency = self.name,
                    error,
                    "a dependency is down"
                );
            }
            Ok(()) if !was_up => {
                tracing::info!(
                    event = "dependency.up",
                    dependency = self.name,
                    "a dependency is up again"
                );
            }
            _ => {}
        }
    }
}
