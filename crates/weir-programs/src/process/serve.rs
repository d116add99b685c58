use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::value::RawValue;
use tokio::io::AsyncWriteExt;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, sleep_until, timeout};

use super::exit::{CallError, Exit, ProtocolError};
use super::notices::NoticeCounter;
use super::start::{LAST_WORDS, Process};
use crate::log::ProgramLog;
use crate::protocol::{Incoming, cancel, refuse_request, request};
use crate::spec::{ProgramSpec, Role};

/// Time between two looks at memory and at callers that have gone.
const CHECK_PERIOD: Duration = Duration::from_millis(200);
/// Time that a cancelled job has for its end before SIGTERM.
const CANCEL_GRACE: Duration = Duration::from_secs(10);
/// Time from SIGTERM to SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(5);

/// A request for one process. It is cancelled when the receiver of its reply is dropped.
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) params: Arc<str>,
    pub(crate) options: CallOptions,
    pub(crate) reply: oneshot::Sender<Result<Box<RawValue>, CallError>>,
}

/// Options of a call: reports and requests while it is in flight.
#[derive(Clone, Default)]
pub struct CallOptions {
    /// Receiver of the progress of a job.
    pub progress: Option<Progress>,
    /// Set to cancel the call, whose result is waited for all the same.
    pub cancel: Arc<AtomicBool>,
}

/// Reports how far a job is: done and total.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Permit to send one call to a process.
#[derive(Clone, Debug)]
pub(crate) struct CallPermit(mpsc::UnboundedSender<Call>);

impl CallPermit {
    /// Sends the call; returns false if the process has ended.
    pub(crate) fn send(&self, call: Call) -> bool {
        self.0.send(call).is_ok()
    }
}

/// Surroundings of a process that serves.
pub(crate) struct ServeContext<'c> {
    pub(crate) spec: &'c ProgramSpec,
    /// Permits of the processes that serve; others are on standby.
    pub(crate) active: Arc<Semaphore>,
    pub(crate) permits: &'c mpsc::UnboundedSender<CallPermit>,
    pub(crate) stop: watch::Receiver<()>,
    /// Answers of all processes of the pool.
    pub(crate) answers: &'c AtomicU64,
    /// Callback for the moment from which the process serves.
    pub(crate) on_active: &'c (dyn Fn() + Sync),
}

struct InFlight {
    reply: oneshot::Sender<Result<Box<RawValue>, CallError>>,
    options: CallOptions,
    since: Instant,
    alone: bool,
    cancelled: Option<Instant>,
    terminated: bool,
}

/// Calls of one process.
struct Serving<'c> {
    spec: &'c ProgramSpec,
    answers: &'c AtomicU64,
    log: ProgramLog,
    pid: u32,
    notices: NoticeCounter,
    in_flight: BTreeMap<u64, InFlight>,
    next_id: u64,
    answered: u64,
    outgoing: Vec<u8>,
    sent: usize,
}

/// End of a process, and the number of calls that it had answered.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) exit: Exit,
    pub(crate) answered: u64,
}

impl Process {
    /// Serves calls until the process ends or has to. Its group is gone when this returns.
    pub(crate) async fn serve(mut self, context: ServeContext<'_>) -> Served {
        let mut serving = Serving {
            spec: context.spec,
            answers: context.answers,
            log: self.log.clone(),
            pid: self.id(),
            notices: NoticeCounter::new(),
            in_flight: BTreeMap::new(),
            next_id: 2,
            answered: 0,
            outgoing: Vec::new(),
            sent: 0,
        };
        let exit = self.run(&mut serving, context).await;
        let answered = serving.answered;
        if matches!(exit, Exit::Recycled | Exit::Stopped) {
            // Its successor does not wait for it.
            tokio::spawn(self.end());
        } else {
            self.kill().await;
        }
        serving.end(&exit);
        Served { exit, answered }
    }

    async fn run(&mut self, serving: &mut Serving<'_>, context: ServeContext<'_>) -> Exit {
        let ServeContext {
            spec,
            active,
            permits,
            mut stop,
            on_active,
            ..
        } = context;
        let concurrency = self.announcement.concurrency;
        let (calls, mut queue) = mpsc::unbounded_channel();
        let offer = || drop(permits.send(CallPermit(calls.clone())));
        let mut active_permit = None;
        let mut acquire = pin!(active.acquire_owned());
        let mut leaving: Option<Exit> = None;
        let mut check = interval(CHECK_PERIOD);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if serving.in_flight.is_empty()
                && let Some(exit) = leaving.take()
            {
                return exit;
            }
            let overdue = serving.overdue_at();
            tokio::select! {
                biased;
                line = self.lines.next() => match line {
                    Ok(Some(line)) => match serving.receive(line) {
                        Ok(answers) => {
                            let recycle = spec.recycle_after > 0 && serving.answered >= spec.recycle_after;
                            if recycle && leaving.is_none() {
                                leaving = Some(Exit::Recycled);
                                queue.close();
                            }
                            if leaving.is_none() {
                                (0..answers).for_each(|_| offer());
                            }
                        }
                        Err(violation) => return Exit::Protocol(violation),
                    },
                    Ok(None) => return self.exit_after_eof().await,
                    Err(error) => return error.into(),
                },
                written = self.stdin.write(&serving.outgoing[serving.sent..]), if serving.sent < serving.outgoing.len() => {
                    // A process that reads no more ends in another way.
                    serving.note_sent(written.unwrap_or(usize::MAX));
                }
                call = queue.recv(), if leaving.is_none() => {
                    let refused = call.is_some_and(|call| !serving.send(call));
                    if refused { offer(); }
                }
                acquired = &mut acquire, if active_permit.is_none() => {
                    active_permit = acquired.ok();
                    on_active();
                    if leaving.is_none() {
                        (0..concurrency).for_each(|_| offer());
                    }
                }
                _ = stop.changed(), if leaving.is_none() => {
                    leaving = Some(Exit::Stopped);
                    queue.close();
                }
                status = self.child.wait() => {
                    self.group.signal(Signal::KILL);
                    while let Ok(Ok(Some(line))) = timeout(LAST_WORDS, self.lines.next()).await {
                        if serving.receive(line).is_err() { break; }
                    }
                    return status.map_or(Exit::StdoutClosed, Exit::Ended);
                }
                () = sleep_until(overdue.unwrap_or_else(Instant::now).into()), if overdue.is_some() => {
                    return Exit::Hung(spec.kill_after.unwrap_or_default());
                }
                _ = check.tick() => {
                    let bytes = self.memory().load(Ordering::Relaxed);
                    if spec.max_rss > 0 && bytes > spec.max_rss {
                        return Exit::Memory { bytes, limit: spec.max_rss };
                    }
                    match serving.cancel_abandoned(Instant::now()) {
                        Cancel::Nothing => {}
                        Cancel::Terminate => self.group.signal(Signal::TERM),
                        Cancel::Kill => return Exit::Cancelled,
                    }
                }
            }
        }
    }

    async fn exit_after_eof(&mut self) -> Exit {
        match timeout(LAST_WORDS, self.child.wait()).await {
            Ok(Ok(status)) => Exit::Ended(status),
            _ => Exit::StdoutClosed,
        }
    }
}

/// Step towards the end of calls that are cancelled.
enum Cancel {
    Nothing,
    Terminate,
    Kill,
}

impl Serving<'_> {
    /// Sends a call to the process; returns false if it was refused or nobody waits for it.
    fn send(&mut self, call: Call) -> bool {
        if call.reply.is_closed() {
            return false;
        }
        let Some(line) = request(self.next_id, call.method, &call.params) else {
            let _ = call.reply.send(Err(CallError::TooLong));
            return false;
        };
        self.outgoing.extend_from_slice(&line);
        for other in self.in_flight.values_mut() {
            other.alone = false;
        }
        let entry = InFlight {
            reply: call.reply,
            options: call.options,
            since: Instant::now(),
            alone: self.in_flight.is_empty(),
            cancelled: None,
            terminated: false,
        };
        self.in_flight.insert(self.next_id, entry);
        self.next_id += 1;
        true
    }

    fn note_sent(&mut self, bytes: usize) {
        self.sent = self.sent.saturating_add(bytes).min(self.outgoing.len());
        if self.sent == self.outgoing.len() {
            self.outgoing.clear();
            self.outgoing.shrink_to(1 << 20);
            self.sent = 0;
        }
    }

    /// Takes a line; returns the number of calls that it answers.
    fn receive(&mut self, line: &[u8]) -> Result<usize, ProtocolError> {
        if line.trim_ascii().is_empty() {
            return Ok(0);
        }
        let message = Incoming::parse(line).map_err(|_| ProtocolError::NotAMessage)?;
        match message {
            Incoming::Response { id, outcome } => {
                let entry = self.in_flight.remove(&id).ok_or(ProtocolError::UnknownId)?;
                self.answered += 1;
                self.answers.fetch_add(1, Ordering::Relaxed);
                if let Err(error) = &outcome
                    && !error.message.is_empty()
                {
                    self.log.write(self.pid, "error", &error.message);
                }
                let _ = entry
                    .reply
                    .send(outcome.map_err(|error| CallError::Failed(Box::new(error))));
                return Ok(1);
            }
            Incoming::Log { level, message } => self.log.write(self.pid, &level, &message),
            Incoming::Progress { id, done, total } => {
                let entry = self.in_flight.get(&id);
                if let Some(report) = entry.and_then(|entry| entry.options.progress.as_ref()) {
                    report(done, total);
                }
            }
            Incoming::Request { id } => self.outgoing.extend_from_slice(&refuse_request(&id)),
            Incoming::Ignored => {}
        }
        self.notices.count(Instant::now())?;
        Ok(0)
    }

    fn overdue_at(&self) -> Option<Instant> {
        let limit = self.spec.kill_after?;
        let oldest = self.in_flight.values().map(|entry| entry.since).min()?;
        Some(oldest + limit)
    }

    /// Cancels the calls whose callers have gone.
    fn cancel_abandoned(&mut self, now: Instant) -> Cancel {
        let mut wanted = Cancel::Nothing;
        for (id, entry) in &mut self.in_flight {
            let Some(since) = entry.cancelled else {
                if entry.reply.is_closed() || entry.options.cancel.load(Ordering::Relaxed) {
                    entry.cancelled = Some(now);
                    self.outgoing.extend_from_slice(&cancel(*id));
                }
                continue;
            };
            let elapsed = now.duration_since(since);
            if self.spec.role == Role::Scorer || elapsed < CANCEL_GRACE {
                continue;
            }
            if elapsed >= CANCEL_GRACE + TERM_GRACE {
                return Cancel::Kill;
            }
            if !entry.terminated {
                entry.terminated = true;
                wanted = Cancel::Terminate;
            }
        }
        wanted
    }

    /// Answers what is in flight.
    fn end(self, exit: &Exit) {
        for entry in self.in_flight.into_values() {
            let _ = entry.reply.send(Err(CallError::Ended {
                exit: exit.clone(),
                alone: entry.alone,
            }));
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({})", self.method)
    }
}
