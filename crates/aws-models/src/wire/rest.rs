//! REST: an operation is a method and a path; its input stands in path, query, headers and body.

use super::{Asked, Request, body, decoded, pairs, xml};
use crate::check::shown;
use crate::given::Given;
use crate::model::{Kind, Location, Member, Model, Operation, Shape};

type Pairs = Vec<(String, String)>;

/// An operation whose method and path are the request's.
struct Candidate {
    operation: &'static Operation,
    labels: Pairs,
    /// What its path says of the query: `?uploads`.
    literals: Pairs,
    /// How well it fits, the best last.
    fit: (bool, usize, usize, usize),
}

pub(super) fn read(model: &'static Model, request: &Request) -> Result<Asked, String> {
    let query = pairs(request.query());
    let mut all: Vec<Candidate> = model
        .operations
        .values()
        .filter_map(|operation| candidate(model, operation, request, &query))
        .collect();
    // The Rust SDK says which it is, where the path does not.
    let name = query.iter().find(|(name, _)| name == "x-id").map(|(_, value)| value.as_str());
    if all.iter().any(|candidate| Some(candidate.operation.name.as_str()) == name) {
        all.retain(|candidate| Some(candidate.operation.name.as_str()) == name);
    }
    let best = all.into_iter().max_by_key(|candidate| candidate.fit);
    let Candidate { operation, labels, literals, .. } = best.ok_or_else(|| {
        format!("{} {} {}: no such operation", model.name, request.method, shown(request.target))
    })?;
    let mut asked =
        Asked { model, operation, input: Given::Entries(Vec::new()), unknown: Vec::new() };
    let members = operation.input.as_ref().map(|member| (member, model.shape(member)));
    let Some((member, shape)) = members else {
        asked.unknown.extend(left(&query, &literals, None));
        return Ok(asked);
    };
    let mut entries = Vec::new();
    for (name, of) in &shape.members {
        let given = match of.location {
            Some(Location::Uri) => found(&labels, of.on_wire(name)).map(Given::Written),
            Some(Location::Querystring) => of_query(model, of, of.on_wire(name), &query),
            Some(Location::Header) => of_header(model, of, request.header(of.on_wire(name))),
            Some(Location::Headers) => of_headers(of.on_wire(name), request),
            Some(Location::StatusCode) | None => None,
        };
        entries.extend(given.map(|given| (name.clone(), given)));
    }
    asked.unknown.extend(left(&query, &literals, Some(shape)));
    let more = of_body(model, member, shape, request);
    entries.extend(more.map_err(|fault| format!("{} {}: {fault}", model.name, operation.name))?);
    asked.input = Given::Entries(entries);
    Ok(asked)
}

fn candidate(
    model: &Model,
    operation: &'static Operation,
    request: &Request,
    query: &Pairs,
) -> Option<Candidate> {
    if operation.http.method != request.method {
        return None;
    }
    let uri = &operation.http.request_uri;
    let (path, literals) = uri.split_once('?').unwrap_or((uri, ""));
    let literals = pairs(literals);
    if !literals.iter().all(|literal| query.contains(literal)) {
        return None;
    }
    let (labels, texts) = labels(path, request.path())?;
    let shape = operation.input.as_ref().map(|member| model.shape(member));
    let needed = shape.into_iter().flat_map(|shape| {
        shape.required.iter().filter_map(|name| Some((name, shape.members.get(name)?)))
    });
    let is_there = |(name, member): (&String, &Member)| match member.location? {
        Location::Querystring => Some(query.iter().any(|(is, _)| is == member.on_wire(name))),
        Location::Header => Some(request.header(member.on_wire(name)).is_some()),
        _ => None,
    };
    let needed: Vec<bool> = needed.filter_map(is_there).collect();
    let fit = (needed.iter().all(|is| *is), texts, literals.len(), needed.len());
    Some(Candidate { operation, labels, literals, fit })
}

/// The labels of a path, decoded, and how many of its segments are text; none if it is another path.
fn labels(template: &str, path: &str) -> Option<(Pairs, usize)> {
    let segments = |path: &str| -> Vec<String> {
        let path = path.strip_suffix('/').unwrap_or(path);
        path.split('/').skip(1).map(str::to_owned).collect()
    };
    let (template, is) = (segments(template), segments(path));
    let (mut labels, mut texts, mut at) = (Pairs::new(), 0, 0);
    for part in &template {
        let segment = is.get(at)?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(label) => match label.strip_suffix('+') {
                Some(label) => {
                    labels.push((label.to_owned(), decoded(&is[at..].join("/"))));
                    at = is.len() - 1;
                }
                None => labels.push((label.to_owned(), decoded(segment))),
            },
            None if *part == *segment => texts += 1,
            None => return None,
        }
        at += 1;
    }
    let is_whole = at == is.len() && labels.iter().all(|(_, value)| !value.is_empty());
    is_whole.then_some((labels, texts))
}

fn found(pairs: &Pairs, name: &str) -> Option<String> {
    pairs.iter().find(|(is, _)| is == name).map(|(_, value)| value.clone())
}

fn of_query(model: &Model, member: &Member, name: &str, query: &Pairs) -> Option<Given> {
    let of_it = || query.iter().filter(|(is, _)| is == name);
    let written = |(_, value): &(String, String)| Given::Written(value.clone());
    match model.shape(member).kind {
        Kind::List => {
            let items: Vec<Given> = of_it().map(written).collect();
            (!items.is_empty()).then_some(Given::List(items))
        }
        _ => of_it().next().map(written),
    }
}

fn of_header(model: &Model, member: &Member, value: Option<&str>) -> Option<Given> {
    let value = value?;
    Some(match model.shape(member).kind {
        Kind::List => Given::List(
            value.split(',').map(|item| Given::Written(item.trim().to_owned())).collect(),
        ),
        _ => Given::Written(value.to_owned()),
    })
}

fn of_headers(prefix: &str, request: &Request) -> Option<Given> {
    let rest = |name: &str| {
        let begins = name.get(..prefix.len())?.eq_ignore_ascii_case(prefix);
        begins.then(|| name[prefix.len()..].to_owned())
    };
    let headers = request.headers.iter();
    let entries: Vec<_> = headers
        .filter_map(|(name, value)| Some((rest(name)?, Given::Written(value.clone()))))
        .collect();
    (!entries.is_empty()).then_some(Given::Entries(entries))
}

/// Parameters of the query that are neither a member nor a part of the path.
fn left(query: &Pairs, literals: &Pairs, shape: Option<&Shape>) -> Vec<String> {
    let members = shape.into_iter().flat_map(|shape| &shape.members);
    let known: Vec<&str> = members
        .filter(|(_, member)| member.location == Some(Location::Querystring))
        .map(|(name, member)| member.on_wire(name))
        .collect();
    let of_it = |pair: &&(String, String)| {
        !known.contains(&pair.0.as_str()) && !literals.contains(pair) && pair.0 != "x-id"
    };
    query
        .iter()
        .filter(of_it)
        .map(|(name, _)| format!("{}: no such parameter", shown(name)))
        .collect()
}

/// The members that the body gives.
fn of_body(
    model: &Model,
    input: &Member,
    shape: &Shape,
    request: &Request,
) -> Result<Vec<(String, Given)>, String> {
    let of_xml = model.name == "s3";
    if let Some(name) = &shape.payload {
        let Some(member) = shape.members.get(name).filter(|_| !request.body.is_empty()) else {
            return Ok(Vec::new());
        };
        let given = match model.shape(member).kind {
            Kind::Structure if of_xml => xml::read(model, member, &request.plain()?)?,
            Kind::Structure => body::named(model, member, body::json(&request.plain()?)?),
            Kind::String => Given::Written(String::from_utf8_lossy(request.body).into_owned()),
            _ => Given::Bytes(request.body.len()),
        };
        return Ok(vec![(name.clone(), given)]);
    }
    match body::json(&request.plain()?)? {
        given @ Given::Entries(_) => match body::named(model, input, given) {
            Given::Entries(entries) => Ok(entries),
            _ => Ok(Vec::new()),
        },
        other => Err(format!("body: {} (expected a structure)", other.kind())),
    }
}
