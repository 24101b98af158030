//! Commands as a user types them.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::{Child, Stdio};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The program, run in a folder of its own.
pub struct Shell {
    dir: TempDir,
}

impl Shell {
    pub fn new() -> Shell {
        Shell {
            dir: tempfile::tempdir().expect("a folder"),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_orderline"))
            .args(args)
            .current_dir(self.dir.path())
            .output()
            .expect("the program starts")
    }

    /// Starts a command that is not waited for.
    #[cfg(unix)]
    pub fn start(&self, args: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_orderline"))
            .args(args)
            .current_dir(self.dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    /// Runs a command that must succeed and returns what it printed.
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("it was not killed")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn scenario(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scenarios")
        .join(name);
    path.display().to_string()
}

const SHORT: [&str; 4] = ["--duration", "2min", "--replications", "4"];

fn short_run(shell: &Shell, extra: &[&str]) -> String {
    let file = scenario("checkout.toml");
    let args = [&["run", file.as_str()], &SHORT[..], extra].concat();
    shell.ok(&args)
}

#[test]
fn run_prints_the_table_and_writes_every_file_of_the_contract() {
    let shell = Shell::new();
    let printed = short_run(&shell, &["--orders"]);
    for words in [
        "stage order  M/M/8",
        "utilization",
        "✓ agrees",
        "orders entered",
        "SLO",
    ] {
        assert!(printed.contains(words), "no `{words}` in:\n{printed}");
    }
    let out = shell.path("output/checkout");
    for file in [
        "manifest.json",
        "metrics.csv",
        "replications.csv",
        "timeseries.csv",
        "latency.csv",
        "orders.csv",
        "report.html",
    ] {
        assert!(
            fs::metadata(out.join(file)).is_ok_and(|m| m.len() > 100),
            "{file}"
        );
    }
    let charts: Vec<_> = fs::read_dir(out.join("charts")).expect("charts").collect();
    assert!(charts.len() >= 12, "{} chart files", charts.len());
    assert_eq!(
        fs::read_dir(shell.path("output")).expect("output").count(),
        1,
        "nothing left over"
    );
}

#[test]
fn a_thin_tail_is_told_where_its_figure_is_shown() {
    let shell = Shell::new();
    let file = scenario("mm1.toml");
    let told = |duration: &str, more: &[&str]| {
        let args = ["run", &file, "--replications", "4", "--duration", duration];
        let out = shell.ok(&[&args[..], more].concat());
        let tails = out.lines().filter(|line| line.contains("lie beyond"));
        tails.map(str::to_owned).collect::<Vec<_>>()
    };
    // 4 of some 4,000 orders lie beyond the quantile of 99.9 %, and 40 beyond that of 99 %.
    assert!(told("2min", &[]).is_empty());
    let all = told("2min", &["--all"]);
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(all.iter().all(|line| line.contains("_p999")), "{all:?}");
    let few = told("30s", &[]);
    assert!(few.iter().any(|line| line.contains("latency_p")), "{few:?}");
}

#[test]
fn json_is_one_document_with_the_promised_fields() {
    let shell = Shell::new();
    let json: Value = serde_json::from_str(&short_run(&shell, &["--json"])).expect("one document");
    assert_eq!(json["orderline"], env!("CARGO_PKG_VERSION"));
    let utilization = &json["stages"][0]["metrics"]["utilization"];
    assert_eq!(utilization["theory"]["kind"], "exact");
    assert_eq!(utilization["verdict"], "agrees");
    let measured = |field: &str| utilization["measured"][field].as_f64().expect("a number");
    assert!(measured("low") < measured("mean") && measured("mean") < measured("high"));
    let outcomes = json["pipeline"]["outcomes"].as_object().expect("outcomes");
    let total: u64 = outcomes.values().filter_map(Value::as_u64).sum();
    assert_eq!(json["run"]["entered"], total);
    assert_eq!(json["slos"][0]["verdict"], "met");
    assert!(json["pipeline"]["metrics"]["latency_p99"]["measured"]["mean"].is_number());
}

#[test]
fn the_same_command_gives_the_same_bytes_with_any_number_of_threads() {
    let shell = Shell::new();
    for threads in ["1", "2", "4"] {
        let out = format!("out{threads}");
        short_run(&shell, &["--threads", threads, "--out", &out, "--orders"]);
    }
    for file in [
        "metrics.csv",
        "replications.csv",
        "timeseries.csv",
        "latency.csv",
        "orders.csv",
    ] {
        let read = |folder: &str| fs::read(shell.path(folder).join(file)).expect("a file");
        assert_eq!(read("out1"), read("out2"), "{file}");
        assert_eq!(read("out1"), read("out4"), "{file}");
    }
    short_run(&shell, &["--seed", "8", "--out", "other"]);
    let read = |folder: &str| fs::read(shell.path(folder).join("metrics.csv")).expect("a file");
    assert_ne!(
        read("out1"),
        read("other"),
        "another seed gives other figures"
    );
}

#[test]
fn an_engine_can_be_asked_for_and_is_named() {
    let shell = Shell::new();
    let measured = |engine: &[&str], expected: &str| {
        let file = scenario("mm1.toml");
        let args = [&["run", &file, "--json"], &SHORT[..], engine].concat();
        let printed = shell.ok(&args);
        let json: Value = serde_json::from_str(&printed).expect("JSON");
        assert_eq!(json["run"]["engine"], expected);
        json["pipeline"]["metrics"]["latency_p99"]["measured"]["mean"]
            .as_f64()
            .expect("a number")
    };
    // Orders are the same, so quantiles are, to the last bit.
    let by_itself = measured(&[], "recursion");
    assert_eq!(by_itself, measured(&["--engine", "recursion"], "recursion"));
    assert_eq!(by_itself, measured(&["--engine", "events"], "events"));

    let file = scenario("bounded-queue.toml");
    for command in ["run", "compare"] {
        let args = [command, &file, &file, "--engine", "recursion"];
        let args = if command == "run" {
            [&args[..2], &args[3..]].concat()
        } else {
            args.to_vec()
        };
        let refused = shell.run(&args);
        let told = stderr(&refused);
        assert_eq!(code(&refused), 2, "{told}");
        assert!(
            told.contains("is bounded") && told.contains("--engine events"),
            "{told}"
        );
    }
    let unknown = shell.run(&["run", &file, "--engine", "fast"]);
    assert_eq!(code(&unknown), 2);
    assert!(stderr(&unknown).contains("recursion"));
}

#[test]
fn charts_are_the_same_when_drawn_again() {
    let shell = Shell::new();
    short_run(&shell, &["--out", "run"]);
    let chart = shell.path("run/charts/latency.svg");
    let before = fs::read(&chart).expect("a chart");
    fs::remove_dir_all(shell.path("run/charts")).expect("removed");
    shell.ok(&["chart", "run"]);
    assert_eq!(before, fs::read(&chart).expect("a chart"));
}

#[test]
fn objectives_decide_the_exit_code() {
    let shell = Shell::new();
    let file = scenario("checkout.toml");
    let with = |limit: &str| {
        let set = format!("slo.0.below={limit}");
        code(&shell.run(&[&["run", &file, "--set", &set], &SHORT[..]].concat()))
    };
    assert_eq!(with("1h"), 0);
    assert_eq!(with("1ms"), 1);
    // A limit at the measured value itself: no interval can decide that.
    let json: Value = serde_json::from_str(&short_run(&shell, &["--json"])).expect("JSON");
    let measured = json["slos"][0]["measured"]["mean"]
        .as_f64()
        .expect("a number");
    assert_eq!(with(&measured.to_string()), 4);
}

#[test]
fn an_overload_is_reported_as_growth_and_not_as_an_average() {
    let shell = Shell::new();
    let file = scenario("overload.toml");
    let output = shell.run(&["run", &file, "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let stages = json["stages"].as_array().expect("stages");
    let growing: Vec<&Value> = stages
        .iter()
        .filter(|stage| stage["metrics"]["sojourn_time"]["verdict"] == "no_steady_state")
        .collect();
    assert_eq!(growing.len(), 1);
    let metrics = &growing[0]["metrics"];
    assert!(metrics["queue_length"]["measured"].is_null());
    assert_eq!(metrics["backlog_growth"]["verdict"], "agrees");
    assert!(
        metrics["backlog_growth"]["theory"]["value"]
            .as_f64()
            .expect("λ − cμ")
            > 0.0
    );
    assert!(
        json["warnings"][0]
            .as_str()
            .is_some_and(|w| w.contains("no steady state"))
    );
}

#[test]
fn theory_and_check_need_no_simulation_and_write_nothing() {
    let shell = Shell::new();
    let file = scenario("checkout.toml");
    let theory = shell.ok(&["theory", &file]);
    assert!(
        theory.contains("M/M/8") && theory.contains("exact"),
        "{theory}"
    );
    let json: Value = serde_json::from_str(&shell.ok(&["theory", &file, "--json"])).expect("JSON");
    assert!(json["run"].is_null() && json["pipeline"]["metrics"]["latency"]["measured"].is_null());
    let json: Value = serde_json::from_str(&shell.ok(&["check", &file, "--json"])).expect("JSON");
    assert_eq!(json["checked"][0]["stages"][0]["offered_load"], 0.75);
    let overload = shell.ok(&["check", &scenario("overload.toml")]);
    assert!(
        overload.contains("ρ = 1.2000: NO STEADY STATE"),
        "{overload}"
    );
    let check = shell.ok(&["check", &file]);
    assert!(
        check.contains("valid") && check.contains("ρ = 0.75"),
        "{check}"
    );
    assert_eq!(
        fs::read_dir(shell.dir.path()).expect("the folder").count(),
        0
    );
}

const CLOSED: &str = r#"
name = "helpdesk"
[[producer]]
name = "clerks"
to = "desk"
arrivals = { closed = { customers = 20, think = { exponential = { mean = "5min" } } } }
[[stage]]
name = "desk"
consumers = 2
service = { exponential = { mean = "40s" } }
breakdown = { uptime = { exponential = { mean = "8h" } }, downtime = { exponential = { mean = "5min" } } }
"#;

#[test]
fn check_shows_populations_and_breakdowns() {
    let shell = Shell::new();
    fs::write(shell.path("helpdesk.toml"), CLOSED).expect("written");
    let check = shell.ok(&["check", "helpdesk.toml"]);
    for words in [
        "population clerks → desk  20 customers, each thinking for 5 min on average",
        "breakdown: each consumer fails after 8 h on average, for 5 min; its service then goes on",
    ] {
        assert!(check.contains(words), "{check}");
    }
    let json: Value =
        serde_json::from_str(&shell.ok(&["check", "helpdesk.toml", "--json"])).expect("JSON");
    let checked = &json["checked"][0];
    assert_eq!(checked["populations"][0]["customers"], 20);
    assert_eq!(checked["stages"][0]["breakdown"]["downtime"], 300.0);
    let output = shell.run(&["run", "nowhere.toml", "helpdesk.toml", "--set", "x=1"]);
    assert_eq!(code(&output), 2);
    let told = stderr(&output);
    assert!(
        told.contains("nowhere.toml") && told.contains("unknown key `x`"),
        "{told}"
    );
    assert!(!shell.path("output").exists());
}

#[test]
fn check_tells_errors_as_data() {
    let shell = Shell::new();
    let text = CLOSED.replace("consumers = 2", "consumer = 2");
    fs::write(shell.path("wrong.toml"), text).expect("written");
    let output = shell.run(&["check", "wrong.toml", "nowhere.toml", "--json"]);
    assert_eq!(code(&output), 2);
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let errors = &json["checked"][0]["errors"];
    assert_eq!(errors.as_array().map(Vec::len), Some(2), "{errors}");
    let unknown = &errors[1];
    assert_eq!(unknown["message"], "unknown key `consumer`");
    assert_eq!(unknown["help"], "did you mean `consumers`?");
    assert_eq!(
        (&unknown["line"], &unknown["column"]),
        (&9.into(), &1.into())
    );
    assert_eq!(unknown["text"], "consumer");
    assert_eq!(unknown["source"], "wrong.toml");
    let nowhere = &json["checked"][1]["errors"][0];
    assert!(
        nowhere["line"].is_null()
            && nowhere["message"]
                .as_str()
                .expect("text")
                .contains("no such file")
    );
}

#[test]
fn a_new_scenario_runs_as_it_is() {
    let shell = Shell::new();
    shell.ok(&["new", "shop"]);
    assert_eq!(
        code(&shell.run(&["new", "shop"])),
        2,
        "an existing file is not overwritten"
    );
    let args = [&["run", "shop.toml"], &SHORT[..]].concat();
    let output = shell.run(&args);
    assert!([0, 1, 4].contains(&code(&output)), "{}", stderr(&output));
    assert!(shell.path("output/shop/report.html").exists());
}

#[test]
fn compare_pairs_scenarios_and_folders() {
    let shell = Shell::new();
    let file = scenario("mm1.toml");
    let run = |name: &str, consumers: &str| {
        let text = fs::read_to_string(&file).expect("the scenario");
        fs::write(
            shell.path(&format!("{name}.toml")),
            text.replace("name = \"mm1\"", &format!("name = \"{name}\"")),
        )
        .expect("written");
        let set = format!("stage.counter.consumers={consumers}");
        let toml = format!("{name}.toml");
        let long = ["--duration", "20min", "--replications", "8"];
        shell.ok(&[&["run", &toml, "--set", &set], &long[..]].concat());
    };
    run("one", "1");
    run("two", "2");
    let json = shell.ok(&["compare", "output/one", "output/two", "--json"]);
    let contrast: Value = serde_json::from_str(&json).expect("JSON");
    let lines = contrast["lines"].as_array().expect("lines");
    let waiting = lines
        .iter()
        .find(|l| l["metric"] == "waiting_time")
        .expect("Wq");
    let difference = &waiting["differences"][0];
    assert_eq!(difference["paired"], true);
    assert!(
        difference["high"].as_f64().expect("an end") < 0.0,
        "a second consumer helps: {difference}"
    );
    let args = [&["compare", "one.toml", "two.toml"], &SHORT[..]].concat();
    let table = shell.ok(&args);
    assert!(table.contains("common random numbers"), "{table}");
    assert_eq!(code(&shell.run(&["compare", "one.toml", "output/two"])), 2);
}

#[test]
fn completions_and_help_are_there_for_every_command() {
    let shell = Shell::new();
    assert!(shell.ok(&["completions", "bash"]).contains("orderline"));
    assert!(shell.ok(&["--help"]).contains("Examples:"));
    for command in [
        "run",
        "theory",
        "compare",
        "check",
        "chart",
        "new",
        "completions",
    ] {
        assert!(
            shell.ok(&[command, "--help"]).contains("Example"),
            "{command}"
        );
    }
}

#[test]
fn wrong_command_lines_are_refused_and_leave_nothing() {
    let shell = Shell::new();
    let file = scenario("mm1.toml");
    let cases: &[&[&str]] = &[
        &["run"],
        &["run", "missing.toml"],
        &["run", "."],
        &["run", &file, "--set", "nonsense"],
        &["run", &file, "--set", "stage.nowhere.consumers=2"],
        &["run", &file, "--duration", "soon"],
        &["run", &file, "--replications", "0"],
        &["run", &file, "--threads", "0"],
        &["run", &file, "--seed", "-1"],
        &["run", &file, &file],
        &["run", &file, "--out", "."],
        &["run", &file, "--out", ".."],
        &["chart", "."],
        &["compare", &file],
        &["completions", "tcl"],
        &["frobnicate"],
    ];
    for case in cases {
        let output = shell.run(case);
        assert_eq!(code(&output), 2, "{case:?}: {}", stderr(&output));
        assert!(
            !stderr(&output).is_empty() && output.stdout.is_empty(),
            "{case:?}"
        );
        assert_eq!(
            fs::read_dir(shell.dir.path()).expect("the folder").count(),
            0,
            "{case:?}"
        );
    }
}

#[test]
fn what_is_in_the_way_is_left_alone() {
    let shell = Shell::new();
    fs::create_dir(shell.path("thesis")).expect("made");
    fs::write(shell.path("thesis/chapter.txt"), "years").expect("written");
    let file = scenario("mm1.toml");
    let output = shell.run(&[&["run", &file, "--out", "thesis"], &SHORT[..]].concat());
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    assert_eq!(
        fs::read_to_string(shell.path("thesis/chapter.txt")).expect("still there"),
        "years"
    );
    fs::write(shell.path("file"), "in the way").expect("written");
    let output = shell.run(&[&["run", &file, "--out", "file/run"], &SHORT[..]].concat());
    assert_eq!(code(&output), 3, "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_was_measured() {
    let shell = Shell::new();
    let file = scenario("mm1.toml");
    let long = ["--replications", "100000", "--duration", "1h"];
    let child = shell.start(&[&["run", &file], &long[..]].concat());
    std::thread::sleep(std::time::Duration::from_secs(3));
    let pid = child.id().to_string();
    Command::new("kill")
        .args(["-INT", &pid])
        .status()
        .expect("kill is there");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), 130, "{}", stderr(&output));
    let manifest = fs::read(shell.path("output/mm1/manifest.json")).expect("kept");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    assert_eq!(manifest["partial"], true);
    assert!(manifest["replications"].as_u64().expect("a number") > 0);
}

/// The largest amount of memory a run ever held, in kB, as the kernel counted it until shortly before
/// its end.
#[cfg(target_os = "linux")]
fn peak_memory(args: &[&str]) -> u64 {
    let shell = Shell::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_orderline"))
        .args(args)
        .current_dir(shell.dir.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().expect("it can be asked").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|l| l.trim().trim_end_matches(" kB").trim().parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(child.wait().expect("it ended").success());
    peak
}

/// Ten million orders take no more memory than a hundred thousand, but for what the allocator and the
/// larger number of distinct times account for, and less than 64 MB in all.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes seconds in release mode; CI runs it"]
fn memory_does_not_grow_with_the_number_of_orders() {
    let file = scenario("checkout.toml");
    // Two replications each: a single one leaves the objective undecided, which is no success.
    let peak = |orders: &str| {
        let set = format!("run.orders={orders}");
        let peak = peak_memory(&[
            "run",
            &file,
            "--quiet",
            "--replications",
            "2",
            "--set",
            &set,
        ]);
        println!("twice {orders} orders: {} MB", peak as f64 / 1024.0);
        peak
    };
    let (few, many) = (peak("50_000"), peak("5_000_000"));
    assert!(many < 64 * 1024, "{many} kB");
    assert!(many <= few + 2 * 1024, "{many} kB against {few} kB");
}

/// A hundred million orders through one queue fit into 32 MB; a thousand million do as well, by hand.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes seconds in release mode; CI runs it"]
fn a_hundred_million_orders_fit_into_little_memory() {
    let file = scenario("mm1.toml");
    let began = std::time::Instant::now();
    let args = "--quiet --replications 1 --set run.orders=100_000_000";
    let args: Vec<&str> = ["run", &file].into_iter().chain(args.split(' ')).collect();
    let peak = peak_memory(&args);
    println!(
        "{} MB, {:.1} s",
        peak as f64 / 1024.0,
        began.elapsed().as_secs_f64()
    );
    assert!(peak < 32 * 1024, "{peak} kB");
}

/// Every wrong file of the collection, as a user meets it: exit code 2, the place, and nothing left.
#[test]
fn wrong_files_are_refused_with_their_place_and_leave_no_folder() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenario_errors");
    let shell = Shell::new();
    let mut files = 0;
    for entry in fs::read_dir(dir).expect("the wrong files") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        files += 1;
        let file = path.display().to_string();
        let output = shell.run(&["run", &file]);
        let text = stderr(&output);
        assert_eq!(code(&output), 2, "{file}: {text}");
        let named = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert!(
            text.contains(&named) && text.contains("-->"),
            "{file}: {text}"
        );
        assert!(output.stdout.is_empty(), "{file}");
    }
    assert!(files >= 30, "{files} wrong files");
    assert_eq!(
        fs::read_dir(shell.dir.path()).expect("the folder").count(),
        0,
        "nothing is written"
    );
}
