//! Bodies in XML. Only the model knows what is a list.

use roxmltree::{Document, Node};

use crate::given::Given;
use crate::model::{Kind, Member, Model};

pub(super) fn read(model: &Model, member: &Member, body: &[u8]) -> Result<Given, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("body: {error} (expected XML)");
    let text = std::str::from_utf8(body).map_err(|error| wrong(&error))?;
    let document = Document::parse(text).map_err(|error| wrong(&error))?;
    Ok(value(model, member, document.root_element()))
}

fn children<'a>(node: Node<'a, 'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(Node::is_element)
}

fn value(model: &Model, member: &Member, node: Node) -> Given {
    let shape = model.shape(member);
    match shape.kind {
        Kind::Structure => {
            let mut entries: Vec<(String, Given)> = Vec::new();
            for child in children(node) {
                let tag = child.tag_name().name();
                let found = shape.members.iter().find(|(is, member)| member.on_wire(is) == tag);
                let Some((is, of)) = found else {
                    entries.push((tag.to_owned(), Given::Written(String::new())));
                    continue;
                };
                let of_list = model.shape(of);
                let is_flat = of_list.kind == Kind::List && (of.flattened || of_list.flattened);
                match (is_flat, &of_list.member) {
                    (true, Some(item)) => {
                        let item = value(model, item, child);
                        match entries.iter_mut().find(|(name, _)| name == is) {
                            Some((_, Given::List(items))) => items.push(item),
                            _ => entries.push((is.clone(), Given::List(vec![item]))),
                        }
                    }
                    _ => entries.push((is.clone(), value(model, of, child))),
                }
            }
            Given::Entries(entries)
        }
        Kind::List => match &shape.member {
            Some(of) => Given::List(children(node).map(|child| value(model, of, child)).collect()),
            None => Given::List(Vec::new()),
        },
        // No operation that is called has a map in XML.
        Kind::Map => Given::Nothing,
        _ => Given::Written(node.text().unwrap_or_default().to_owned()),
    }
}
