//! The dashboard shows what the code publishes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::cloudformation::Deployment;
use super::{DIMENSION, KeptMetric, Metric, NAMESPACE, STACK_NAMESPACE, deployments, number};

fn body(deployment: &Deployment) -> Value {
    let body = deployment.properties("Dashboard")["DashboardBody"].as_str().expect("text");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {body}"))
}

fn widgets(body: &Value) -> &Vec<Value> {
    body["widgets"].as_array().expect("widgets")
}

fn widget<'a>(body: &'a Value, title: &str) -> &'a Value {
    widgets(body)
        .iter()
        .map(|widget| &widget["properties"])
        .find(|properties| properties["title"] == title)
        .unwrap_or_else(|| panic!("no widget `{title}`"))
}

/// The metrics of a widget that name one: `[namespace, name, dimension, value, options]`.
fn metrics(properties: &Value) -> impl Iterator<Item = &Vec<Value>> {
    let metrics = properties["metrics"].as_array().into_iter().flatten();
    metrics.map(|metric| metric.as_array().expect("a list")).filter(|metric| metric[0].is_string())
}

#[test]
fn a_selector_offers_the_jobs_that_have_metrics() {
    for (_, _, deployment) in deployments() {
        let body = body(&deployment);
        let [variable] = body["variables"].as_array().expect("variables").as_slice() else {
            panic!("one variable");
        };
        assert_eq!(variable["type"], "property");
        assert_eq!(variable["inputType"], "select");
        assert_eq!(variable["property"], DIMENSION);
        assert_eq!(variable["populateFrom"], DIMENSION);
        // The quotes are needed: the namespace has colons.
        assert_eq!(variable["search"], format!("{{\"{NAMESPACE}\",{DIMENSION}}}"));
    }
}

#[test]
fn every_metric_of_a_rollout_is_shown_and_no_other() {
    let kept = KeptMetric::ALL.iter().map(|metric| metric.name());
    let published: BTreeSet<&str> =
        Metric::ALL.iter().map(|metric| metric.name()).chain(kept).collect();
    for (_, _, deployment) in deployments() {
        let body = body(&deployment);
        let mut shown = BTreeSet::new();
        for metric in widgets(&body).iter().flat_map(|widget| metrics(&widget["properties"])) {
            if metric[0] != NAMESPACE {
                assert!(
                    metric[0].as_str().is_some_and(|space| {
                        space.starts_with("AWS/") || space == STACK_NAMESPACE
                    }),
                    "{metric:?}"
                );
                continue;
            }
            assert_eq!(metric[2], DIMENSION, "{metric:?}");
            shown.insert(metric[1].as_str().expect("a name"));
        }
        assert_eq!(shown, published);
    }
}

#[test]
fn download_times_are_percentiles_and_outcomes_are_stacked_sums() {
    for (_, _, deployment) in deployments() {
        let body = body(&deployment);
        let stats: Vec<&Value> = metrics(widget(&body, "Download time"))
            .inspect(|metric| assert_eq!(metric[1], Metric::DownloadTime.name()))
            .map(|metric| &metric[4]["stat"])
            .collect();
        assert_eq!(json!(stats), json!(["p50", "p90", "p99"]));
        let outcomes = widget(&body, "Outcomes a minute");
        assert_eq!((&outcomes["stacked"], &outcomes["stat"]), (&json!(true), &json!("Sum")));
        let names: BTreeSet<&str> =
            metrics(outcomes).filter_map(|metric| metric[1].as_str()).collect();
        let expected = Metric::ALL.iter().filter(|metric| matches!(metric, Metric::Count(_)));
        assert_eq!(names, expected.map(|metric| metric.name()).collect());
    }
}

#[test]
fn the_guard_s_health_is_all_of_its_alarms() {
    for (batched, _, deployment) in deployments() {
        let body = body(&deployment);
        let shown = super::texts(&widget(&body, "The guard's own health")["alarms"]);
        let alarms: BTreeSet<String> = deployment
            .of_type("AWS::CloudWatch::Alarm")
            .map(|(id, _)| format!("<{id}.Arn>"))
            .collect();
        assert_eq!(shown, alarms.iter().map(String::as_str).collect());
        let waiting = metrics(widget(&body, "Waiting and undelivered"));
        let queues: BTreeSet<&str> = waiting.filter_map(|metric| metric[3].as_str()).collect();
        assert!(queues.contains("<UndeliveredQueue.QueueName>"));
        assert_eq!(queues.contains("<IngestQueue.QueueName>"), batched);
    }
}

#[test]
fn widgets_lie_side_by_side() {
    for (_, _, deployment) in deployments() {
        let body = body(&deployment);
        let mut taken = BTreeSet::new();
        for widget in widgets(&body) {
            let [x, y, width, height] =
                ["x", "y", "width", "height"].map(|side| number(&widget[side]));
            assert!(x + width <= 24, "{widget}");
            for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{widget} lies on another");
            }
        }
    }
}
