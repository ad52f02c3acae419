//! How well a slower build is told from the same build on a busy machine: `cargo run -p sides-deploy --example beside`.
//!
//! Servers that sleep or compute for some milliseconds stand for builds. Each comparison is what a release makes: the old
//! server has visitors, the new one was just started, both are asked in turn. Arguments: how many processes compute all the
//! while (10), and how often each comparison is made (5). Everything is on loopback and ends by itself.

use std::{
    env,
    error::Error,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use platform::prober::{Pairs, Plan, Prober};
use sides_deploy::release::judge_beside;

/// How a server spends its time, and how many milliseconds the old and the new one need: first what must be found, then
/// what must not.
const SLOWER: [(&str, u64, u64); 4] = [("sleep", 20, 40), ("sleep", 5, 10), ("spin", 4, 8), ("spin", 2, 4)];
const SAME: [(&str, u64, u64); 4] = [("sleep", 20, 20), ("sleep", 5, 5), ("spin", 4, 4), ("spin", 1, 1)];
/// Without optimization, on the machine whose figures are in the docs.
const TURNS_IN_A_MICROSECOND: u64 = 60;
/// What a release takes as slow.
const TIMES: f64 = 1.5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", how, milliseconds] => serve(how, Duration::from_millis(milliseconds.parse()?)),
        ["busy"] => loop {
            std::hint::spin_loop();
        },
        words => {
            let number = |at: usize, usual: usize| words.get(at).map_or(Ok(usual), |word| word.parse());
            measure(number(0, 10)?, number(1, 5)?).await
        }
    }
}

async fn measure(load: usize, rounds: usize) -> Result<(), Box<dyn Error>> {
    let _busy = (0..load).map(|_| Ended::start(&["busy"])).collect::<Result<Vec<_>, _>>()?;
    for (title, all, each) in [("slower", SLOWER, rounds), ("the same", SAME, 2 * rounds)] {
        let (mut refused, mut seconds) = (0, Vec::new());
        for (how, before, after) in all {
            for _ in 0..each {
                let begun = Instant::now();
                let said = compare(how, before, after).await?;
                seconds.push(begun.elapsed().as_secs_f64());
                refused += usize::from(said.is_err());
                println!("{how} {before} ms, then {after} ms: {}", said.unwrap_or_else(|reason| reason));
            }
        }
        let longest = seconds.iter().copied().fold(0.0, f64::max);
        println!("{title}: {refused} of {} refused, within {longest:.1} s at most\n", seconds.len());
    }
    Ok(())
}

async fn compare(how: &str, before: u64, after: u64) -> Result<Result<String, String>, Box<dyn Error>> {
    let (_old, old) = server(how, before)?;
    let visitors =
        Plan { address: old, path: "/".to_owned(), fresh: 3, kept: 3, pause: Duration::from_millis(20) };
    let visitors = Prober::start(&visitors);
    let (_new, new) = server(how, after)?;
    let pairs = Pairs::ask(old, new, "/").await;
    visitors.end().await;
    Ok(judge_beside(&pairs, Some(TIMES)).map_err(|worse| worse.to_string()))
}

/// A process that is killed when it is not needed any more.
struct Ended(Child);

impl Ended {
    fn start(arguments: &[&str]) -> std::io::Result<Self> {
        Ok(Self(Command::new(env::current_exe()?).args(arguments).stdout(Stdio::piped()).spawn()?))
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn server(how: &str, milliseconds: u64) -> Result<(Ended, SocketAddr), Box<dyn Error>> {
    let mut child = Ended::start(&["serve", how, &milliseconds.to_string()])?;
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().ok_or("it says nothing")?).read_line(&mut line)?;
    Ok((child, line.trim().parse()?))
}

/// A thread for each connection; it lives until it is killed.
fn serve(how: &str, time: Duration) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?);
    let spins = how == "spin";
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || drop(answer(stream, spins, time)));
    }
    Ok(())
}

fn answer(stream: TcpStream, spins: bool, time: Duration) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        if line == "\r\n" {
            match spins {
                true => compute(time),
                false => thread::sleep(time),
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
        }
        line.clear();
    }
    Ok(())
}

/// About so much work as takes this long on a quiet machine, whatever else runs: the same for each answer.
fn compute(time: Duration) {
    let mut number = 1_u64;
    for turn in 0..u64::try_from(time.as_micros()).unwrap_or_default() * TURNS_IN_A_MICROSECOND {
        number = std::hint::black_box(number.rotate_left(5) ^ turn);
    }
}
