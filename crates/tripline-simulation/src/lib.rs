//! What becomes of a rollout, worked out without AWS. The only crate that is built for speed.
//!
//! - [`evaluation`]: what a CloudWatch alarm does with a metric;
//! - [`simulation`]: what would become of a rollout under its guards;
//! - [`replay`]: what would have become of a recorded one;
//! - [`stop_topics`]: which topics lead to the force-stopper, for whoever cannot ask AWS.
//!
//! Why Tripline's alarms treat missing data as `notBreaching`: between sparse reports, CloudWatch's own default
//! fires on a single old breach.
//!
//! ```
//! use tripline::alarm::MissingData;
//! use tripline_config::AlarmConfig;
//! use tripline_simulation::evaluation::{Decision, Point, decide};
//!
//! let text = "\
//! [ALARM_CONFIG]
//! alarmList = Slow
//! [ALARM_CONFIG_Slow]
//! namespace = IoT:OTA:JobExecution
//! metricName = downloadTime
//! stat = p97
//! period = 60
//! threshold = 3600
//! alarmType = upper
//! evaluationPeriods = 3
//! datapointsToAlarm = 3
//! snsTopics = @force-stop
//! ";
//! let config = AlarmConfig::parse("dev.ini", text)?;
//! let evaluation = config.alarms[0].evaluation;
//!
//! // The newest period first: one breach, three minutes ago.
//! use Point::{Breaching, Missing};
//! let periods = [Missing, Missing, Breaching, Missing, Missing];
//! assert_eq!(decide(&periods, evaluation, MissingData::Missing), Decision::Alarm);
//! assert_eq!(decide(&periods, evaluation, MissingData::NotBreaching), Decision::Ok);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod evaluation;
pub mod replay;
pub mod simulation;
pub mod stop_topics;
