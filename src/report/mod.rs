//! Measured beside theory: the comparison with its verdicts, and every form it is shown in.
//!
//! | file | what it holds |
//! | --- | --- |
//! | `comparison` | every measured figure beside its prediction |
//! | `verdict` | the judgement on one figure, and the allowance for judging many |
//! | `state` | whether a place has a steady state, and was watched for long enough |
//! | `slo` | objectives judged by intervals |
//! | `warning` | what a reader of the figures must know, as data |
//! | `run_report` | all of the above, of one run |
//! | `table`, `text`, `format` | the terminal |
//! | `network` | the network in words |
//! | `json` | the document of `--json` |
//! | [`records`], `build`, `csv_file` | the rows of the CSV files, made, written and read |
//! | `page`, `html`, `html_live` | the page: what is on it, and how it is set |
//! | `manifest`, `folder`, `output` | the output folder |
//! | [`live`] | a live run beside its twins |
//! | `side`, `contrast` | runs side by side |

mod build;
mod comparison;
mod contrast;
mod csv_file;
mod extras;
mod folder;
pub mod format;
mod html;
mod html_live;
mod json;
pub mod live;
mod manifest;
mod network;
mod output;
mod page;
pub mod records;
mod run_report;
mod side;
mod slo;
mod state;
mod table;
mod text;
mod verdict;
mod warning;

pub use comparison::{Comparison, Line};
pub use contrast::{Contrast, ContrastLine, Difference, contrast_csv, contrast_table};
pub use folder::{FolderError, Staged};
pub use json::Document;
pub use live::{LiveInput, LiveReport, LiveWarning, live_summary, write_live};
pub use manifest::{LiveFacts, Manifest, ScenarioRecord};
pub use network::network_text;
pub use output::{OutputError, WrittenFiles, read_records, redraw, write};
pub use run_report::RunReport;
pub use side::{Side, SideFigure, read_side};
pub use slo::{SloJudgement, SloState, judge};
pub use table::Detail;
pub use text::{summary, theory_table};
pub use verdict::{Verdict, corrected_level};
pub use warning::{Warning, warnings};
