//! Forms: `Parameters.member.1.ParameterKey=a`. Only the model knows what is a list.

use std::collections::BTreeMap;

use super::Asked;
use crate::check::shown;
use crate::given::Given;
use crate::model::{Kind, Member, Model, Operation};

/// What is taken out of it is read; what remains has no place.
type Form = BTreeMap<String, String>;

pub(super) fn read(
    model: &'static Model,
    operation: &'static Operation,
    pairs: Vec<(String, String)>,
) -> Asked {
    let mut unknown = Vec::new();
    let mut form = Form::new();
    for (name, value) in pairs {
        if form.insert(name.clone(), value).is_some() {
            unknown.push(format!("{}: given twice", shown(&name)));
        }
    }
    form.remove("Action");
    form.remove("Version");
    let input = operation.input.as_ref().and_then(|member| value(model, member, "", &mut form));
    unknown.extend(form.keys().map(|name| format!("{}: no such parameter", shown(name))));
    let input = input.unwrap_or(Given::Entries(Vec::new()));
    Asked { model, operation, input, unknown }
}

/// What stands under a name, if anything does.
fn value(model: &Model, member: &Member, name: &str, form: &mut Form) -> Option<Given> {
    let shape = model.shape(member);
    let below =
        |more: &str| if name.is_empty() { more.to_owned() } else { format!("{name}.{more}") };
    let is_flat = shape.flattened || member.flattened;
    match shape.kind {
        Kind::Structure => {
            let given = |(is, of): (&String, &Member)| {
                Some((is.clone(), value(model, of, &below(of.on_wire(is)), form)?))
            };
            let entries: Vec<_> = shape.members.iter().filter_map(given).collect();
            (!entries.is_empty()).then_some(Given::Entries(entries))
        }
        Kind::List => {
            let of = shape.member.as_ref()?;
            let base = if is_flat { name.to_owned() } else { below(of.on_wire("member")) };
            let items: Vec<Given> =
                (1..).map_while(|n| value(model, of, &format!("{base}.{n}"), form)).collect();
            // An empty list is its name alone.
            let is_given = !items.is_empty() || form.remove(name).is_some();
            is_given.then_some(Given::List(items))
        }
        Kind::Map => {
            let (key, of) = (shape.key.as_ref()?, shape.value.as_ref()?);
            let base = if is_flat { name.to_owned() } else { below("entry") };
            let entries: Vec<_> = (1..)
                .map_while(|n| {
                    let is = form.remove(&format!("{base}.{n}.{}", key.on_wire("key")))?;
                    Some((
                        is,
                        value(model, of, &format!("{base}.{n}.{}", of.on_wire("value")), form)?,
                    ))
                })
                .collect();
            (!entries.is_empty()).then_some(Given::Entries(entries))
        }
        _ => form.remove(name).map(Given::Written),
    }
}
