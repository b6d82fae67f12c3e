//! Ctrl-C and SIGTERM: asked once, the process ends what it is doing; asked twice, it ends.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::failure::{Done, Failure};
use crate::output;

/// Whether somebody asked the process to end.
#[derive(Clone, Debug)]
pub struct Signals(watch::Receiver<bool>);

impl Signals {
    /// Listens from now on.
    pub fn listen() -> Done<Self> {
        let (sender, receiver) = watch::channel(false);
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::spawn(async move {
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            let _ = sender.send(true);
            tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            output::say("rollbook: ended without waiting");
            std::process::exit(1);
        });
        Ok(Self(receiver))
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked).await.is_err() {
            // Nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }

    /// Does something, unless somebody asks to end before it is done.
    pub async fn unless_asked<T>(&self, work: impl Future<Output = Done<T>>) -> Done<T> {
        tokio::select! {
            done = work => done,
            () = self.asked() => Err(Failure::new("interrupted")),
        }
    }
}
