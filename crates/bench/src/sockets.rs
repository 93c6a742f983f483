//! Members' sockets, and how long it takes to tell all of them something.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use futures::{SinkExt, StreamExt, stream};
use parking_lot::Mutex;
use sunbeon_broker::{Broker, Heard, Settings, rabbitmq};
use sunbeon_client::{Sunbeon, SunbeonUrl};
use sunbeon_domain::ConcertId;
use sunbeon_proto_messages::Event;
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{interval, sleep, timeout},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::data::Members;

/// How long a turn of enters lasts, with broadcasts or without.
const TURN: Duration = Duration::from_secs(5);
/// How many turns of each there are.
const TURNS: u32 = 4;
/// The pause between two enters.
const PACE: Duration = Duration::from_millis(10);
/// How many sockets connect at a time.
const TOGETHER: usize = 64;
/// The longest that a broadcast may take.
const LIMIT: Duration = Duration::from_secs(20);
/// What a seat is named by which a broadcast is known, before the moment that it was sent at.
const MARK: &str = "sent-";

#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    members: Members,
    /// The address of realtime; several, separated by commas, take turns
    #[arg(long, value_delimiter = ',')]
    at: Vec<String>,
    /// Its process, whose memory is read; as many as addresses
    #[arg(long, value_delimiter = ',')]
    pid: Vec<u32>,
    /// The concert whose line and shop they join
    #[arg(long)]
    concert: String,
    /// The RabbitMQ by which something is told
    #[arg(long)]
    amqp: String,
    /// How many times something is told, once a second
    #[arg(long, default_value_t = 30)]
    times: u32,
    /// A waiting-room on which members line up meanwhile
    #[arg(long, value_parser = SunbeonUrl::parse)]
    enter_at: SunbeonUrl,
    /// The concert for which they do, whose line nobody watches
    #[arg(long)]
    enter: String,
}

type Socket = WebSocketStream<TcpStream>;

/// How late each socket heard, in microseconds.
type Late = Arc<Mutex<Vec<u64>>>;

pub(crate) async fn measure(options: Options) -> anyhow::Result<()> {
    let concert = ConcertId::parse(options.concert.as_str())?;
    let settings = rabbitmq::Settings {
        url: options.amqp.clone().into(),
        prefetch: 1,
    };
    let broker = sunbeon_broker::open(&Settings::Rabbitmq(settings), "bench")?;
    // Once events are heard they can be told, too.
    let mut events = broker.subscribe_events("seat.#");
    ensure!(
        events.recv().await == Some(Heard::Missed),
        "RabbitMQ is not there"
    );
    let (began, late) = (Instant::now(), Late::default());
    let before = memory(&options.pid)?;
    let count = connect(&options, &concert, began, &late).await?;
    let took = began.elapsed();
    // What connecting needed is given back meanwhile.
    sleep(Duration::from_secs(12)).await;
    let each = (memory(&options.pid)?.saturating_sub(before)) / count as u64;
    println!("sockets {count} connected_s {:.1}", took.as_secs_f64());
    println!("bytes_each {each}");
    let cpu = cpu(&options.pid)?;
    let mut heard = Vec::new();
    for _ in 0..options.times {
        heard.extend(tell(&*broker, &concert, began, &late, count).await?);
        sleep(Duration::from_secs(1)).await;
    }
    heard.sort_unstable();
    let at = |share: f64| heard[((heard.len() - 1) as f64 * share) as usize] as f64 / 1_000.0;
    println!(
        "late_ms p50 {:.1} p99 {:.1} most {:.1}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    let spent = self::cpu(&options.pid)? - cpu;
    println!("server_us_each {:.1}", spent * 1e6 / heard.len() as f64);
    let tell = async || tell(&*broker, &concert, began, &late, count).await;
    let (alone, beside) = enters(&options, tell).await?;
    println!(
        "enter_ms p99 {alone:.1} beside a broadcast {beside:.1} ratio {:.2}",
        beside / alone
    );
    broker.close().await;
    Ok(())
}

/// Lets members line up at a steady pace, in turns without broadcasts and with one a second. Returns the 99th
/// percentile of how long it took, of each, in milliseconds.
async fn enters(
    options: &Options,
    tell: impl AsyncFn() -> anyhow::Result<Vec<u64>>,
) -> anyhow::Result<(f64, f64)> {
    let concert = ConcertId::parse(options.enter.as_str())?;
    let sunbeon = Sunbeon::new(&options.enter_at)?;
    let each = TURN.as_millis() / PACE.as_millis();
    let mut fans = options
        .members
        .others(2 * u64::from(TURNS) * each as u64)?
        .into_iter();
    let mut took = [Vec::new(), Vec::new()];
    for turn in 0..2 * TURNS {
        let is_told = turn % 2 == 1;
        let telling = async {
            for _ in 0..TURN.as_secs() {
                if is_told {
                    tell().await?;
                }
                sleep(Duration::from_secs(1)).await;
            }
            anyhow::Ok(())
        };
        let entering = async {
            let mut ticks = interval(PACE);
            let mut entering = JoinSet::new();
            for token in fans.by_ref().take(each as usize) {
                ticks.tick().await;
                let (fan, concert) = (sunbeon.by(token), concert.clone());
                entering.spawn(async move {
                    let began = Instant::now();
                    fan.enter(&concert).await.map(|_| began.elapsed())
                });
            }
            let entered = entering.join_all().await.into_iter();
            entered.collect::<Result<Vec<_>, _>>()
        };
        let (told, entered) = tokio::join!(telling, entering);
        told?;
        took[usize::from(is_told)].extend(entered?);
    }
    let [alone, beside] = took.map(|mut took: Vec<Duration>| {
        took.sort_unstable();
        took[(took.len() - 1) * 99 / 100].as_secs_f64() * 1e3
    });
    Ok((alone, beside))
}

/// Connects all, a few at a time, and returns how many.
async fn connect(
    options: &Options,
    concert: &ConcertId,
    began: Instant,
    late: &Late,
) -> anyhow::Result<usize> {
    let tokens = options.members.tokens()?;
    let count = AtomicUsize::new(0);
    let mut connecting = stream::iter(tokens.into_iter().enumerate())
        .map(async |(index, token)| {
            let at = &options.at[index % options.at.len()];
            let socket = join(at, &token, concert).await?;
            tokio::spawn(listen(socket, began, late.clone()));
            count.fetch_add(1, Ordering::Relaxed);
            anyhow::Ok(())
        })
        .buffer_unordered(TOGETHER);
    while let Some(connected) = connecting.next().await {
        connected?;
    }
    drop(connecting);
    Ok(count.into_inner())
}

/// Opens a member's socket, which joins a concert's line and shop.
async fn join(at: &str, token: &str, concert: &ConcertId) -> anyhow::Result<Socket> {
    let stream = TcpStream::connect(at).await?;
    stream.set_nodelay(true)?;
    let url = format!("ws://{at}/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = client_async(url, stream).await?;
    until(&mut socket, "0{").await?;
    socket
        .send(Message::text(format!("40{{\"token\":\"{token}\"}}")))
        .await?;
    until(&mut socket, "40{").await?;
    for (ack, event) in [(1, "join:queue"), (2, "join:event")] {
        let ask = format!("42{ack}[\"{event}\",\"{concert}\"]");
        socket.send(Message::text(ask)).await?;
        until(&mut socket, &format!("43{ack}[{{\"ok\":true")).await?;
    }
    Ok(socket)
}

/// Reads until a packet begins so.
async fn until(socket: &mut Socket, beginning: &str) -> anyhow::Result<()> {
    while let Some(message) = timeout(LIMIT, socket.next()).await? {
        let message = message?;
        let text = message.to_text()?;
        if text.starts_with(beginning) {
            return Ok(());
        }
        if text == "2" {
            socket.send(Message::text("3")).await?;
        }
        ensure!(!text.starts_with("44"), "refused: {text}");
    }
    bail!("closed before {beginning}")
}

/// Answers pings, and notes how late each broadcast came.
async fn listen(mut socket: Socket, began: Instant, late: Late) {
    while let Some(Ok(message)) = socket.next().await {
        let Ok(text) = message.to_text() else {
            continue;
        };
        if text == "2" {
            if socket.send(Message::text("3")).await.is_err() {
                return;
            }
        } else if let Some((_, rest)) = text.split_once(MARK) {
            let sent: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let sent: u64 = sent.parse().unwrap_or_default();
            late.lock().push(micros(began).saturating_sub(sent));
        }
    }
}

/// Tells everybody something, and returns how late each heard.
async fn tell(
    broker: &dyn Broker,
    concert: &ConcertId,
    began: Instant,
    late: &Late,
    count: usize,
) -> anyhow::Result<Vec<u64>> {
    broker.publish_event(Event::SeatSelected {
        concert_id: concert.clone(),
        seat_ids: vec![format!("{MARK}{}", micros(began))],
    });
    let all_heard = async {
        while late.lock().len() < count {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = timeout(LIMIT, all_heard).await;
    let heard = std::mem::take(&mut *late.lock());
    in_time.with_context(|| format!("{} of {count} heard", heard.len()))?;
    Ok(heard)
}

fn micros(began: Instant) -> u64 {
    began.elapsed().as_micros() as u64
}

/// The resident memory of processes, in bytes.
fn memory(pids: &[u32]) -> anyhow::Result<u64> {
    let of = |pid: &u32| -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kib.context("no VmRSS")?.parse::<u64>()? * 1_024)
    };
    pids.iter().map(of).sum()
}

/// The CPU time of processes so far, in seconds.
fn cpu(pids: &[u32]) -> anyhow::Result<f64> {
    let of = |pid: &u32| -> anyhow::Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("no name")?;
        let mut fields = fields.split_whitespace().skip(11);
        let mut ticks = || fields.next().unwrap_or_default().parse::<f64>();
        Ok((ticks()? + ticks()?) / 100.0)
    };
    pids.iter().map(of).sum()
}
