//! Skeletons in SLEAP's networkx and jsonpickle dialect.

use super::json::Json;
use crate::error::{Error, Result};
use dormouse::Skeleton;

/// jsonpickle's number of SLEAP's `EdgeType.BODY`.
const BODY: i64 = 1;
/// jsonpickle's number of SLEAP's `EdgeType.SYMMETRY`.
const SYMMETRY: i64 = 2;

/// Reads a stand-alone skeleton file, bare or wrapped, or the first skeleton of a SLEAP `training_config.json`.
///
/// # Errors
/// [`Error::Data`] when the text is not JSON or does not describe a valid skeleton.
pub fn read_skeleton_json(text: &str) -> Result<Skeleton> {
    let json: Json = serde_json::from_str(text).map_err(|e| Error::Data(format!("skeleton: not valid JSON: {e}")))?;
    let in_config = json.get("data").and_then(|data| data.get("labels")).and_then(|labels| labels.get("skeletons"));
    let skeleton = in_config.map_or(Some(&json), |list| list.items().first());
    let Some(skeleton) = skeleton else { return Err(Error::Data("skeleton: the configuration holds none".into())) };
    decode_skeleton(skeleton, &[]).map_err(|what| Error::Data(format!("skeleton: {what}")))
}

/// Decodes one skeleton; `global_nodes` is the node table that the integers of a labels file refer to.
pub(super) fn decode_skeleton(json: &Json, global_nodes: &[String]) -> Result<Skeleton, String> {
    let graph = json.get("nx_graph").unwrap_or(json);
    let mut decoder = Decoder { global_nodes, objects: Vec::new() };
    let (mut links, mut nodes) = (Vec::new(), Vec::new());
    // Objects are numbered in stored order, so the keys are visited in that order too.
    for (key, value) in graph.entries() {
        match key.as_str() {
            "links" => links = value.items().iter().map(|link| decoder.link(link)).collect::<Result<_, _>>()?,
            "nodes" => nodes = value.items().iter().map(|node| decoder.listed_node(node)).collect::<Result<_, _>>()?,
            _ => {}
        }
    }
    let name = graph.get("graph").and_then(|info| info.get("name")).and_then(Json::text).unwrap_or("Skeleton-0").to_owned();
    let skeleton = build(name, nodes, links)?;
    if !skeleton.nodes.is_empty() {
        skeleton.validate().map_err(|e| e.to_string())?;
    }
    Ok(skeleton)
}

fn build(name: String, nodes: Vec<String>, mut links: Vec<Link>) -> Result<Skeleton, String> {
    let mut skeleton = Skeleton { name, nodes, edges: Vec::new(), symmetries: Vec::new() };
    if skeleton.nodes.len() > Skeleton::MAX_NODES {
        return Err(format!("{} nodes are more than {}", skeleton.nodes.len(), Skeleton::MAX_NODES));
    }
    // The sort is stable: links without a number keep their stored order behind the others.
    links.sort_by_key(|link| link.insert_index.unwrap_or(i64::MAX));
    for link in links {
        let index = |name: &str| {
            let found =
                skeleton.node_index(name).ok_or_else(|| format!("a link names {name:?}, which is not among the nodes"))?;
            u16::try_from(found).map_err(|e| e.to_string())
        };
        let (a, b) = (index(&link.source)?, index(&link.target)?);
        match link.kind {
            BODY => skeleton.edges.push((a, b)),
            SYMMETRY if skeleton.symmetries.contains(&(a, b)) || skeleton.symmetries.contains(&(b, a)) => {}
            SYMMETRY => skeleton.symmetries.push((a, b)),
            other => return Err(format!("edge type {other} is neither 1 (body) nor 2 (symmetry)")),
        }
    }
    Ok(skeleton)
}

struct Link {
    insert_index: Option<i64>,
    source: String,
    target: String,
    kind: i64,
}

/// What a `py/id` can refer to.
enum Decoded {
    Node(String),
    EdgeType(i64),
}

struct Decoder<'a> {
    global_nodes: &'a [String],
    objects: Vec<Decoded>,
}

impl Decoder<'_> {
    fn link(&mut self, json: &Json) -> Result<Link, String> {
        let (mut source, mut target, mut kind, mut insert_index) = (None, None, BODY, None);
        for (key, value) in json.entries() {
            match key.as_str() {
                "source" => source = Some(self.node(value)?),
                "target" => target = Some(self.node(value)?),
                "type" => kind = self.edge_type(value)?,
                "edge_insert_idx" => insert_index = value.integer(),
                _ => {}
            }
        }
        let (Some(source), Some(target)) = (source, target) else { return Err("a link lacks its source or target".into()) };
        Ok(Link { insert_index, source, target, kind })
    }

    fn listed_node(&mut self, json: &Json) -> Result<String, String> {
        self.node(json.get("id").ok_or("a node lacks its id")?)
    }

    /// A node by its number in the global table, by value, or by reference.
    fn node(&mut self, json: &Json) -> Result<String, String> {
        if let Some(index) = json.integer() {
            let name = usize::try_from(index).ok().and_then(|index| self.global_nodes.get(index));
            return name.cloned().ok_or_else(|| format!("node {index} is not in the table of {} nodes", self.global_nodes.len()));
        }
        if json.get("py/object").is_some() {
            let state = json.get("py/state").unwrap_or(json);
            let named = state.get("py/tuple").and_then(|tuple| tuple.items().first()).or_else(|| state.get("name"));
            let name = named.and_then(Json::text).ok_or("a node has no name")?.to_owned();
            self.objects.push(Decoded::Node(name.clone()));
            return Ok(name);
        }
        match self.referenced(json)? {
            Decoded::Node(name) => Ok(name.clone()),
            Decoded::EdgeType(_) => Err("a py/id that should be a node is an edge type".into()),
        }
    }

    fn edge_type(&mut self, json: &Json) -> Result<i64, String> {
        if let Some(reduce) = json.get("py/reduce") {
            let tuple = reduce.items().iter().find_map(|item| item.get("py/tuple")).ok_or("an edge type has no value")?;
            let kind = tuple.items().first().and_then(Json::integer).ok_or("an edge type has no number")?;
            self.objects.push(Decoded::EdgeType(kind));
            return Ok(kind);
        }
        if let Ok(Decoded::EdgeType(kind)) = self.referenced(json) {
            return Ok(*kind);
        }
        // sleap-io writes stand-alone files in which edge types are numbered apart from nodes.
        let number = json.get("py/id").and_then(Json::integer).ok_or("an edge type is neither a value nor a py/id")?;
        let mut kinds = self.objects.iter().filter_map(|object| match object {
            Decoded::EdgeType(kind) => Some(*kind),
            Decoded::Node(_) => None,
        });
        let nth = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        nth.and_then(|nth| kinds.nth(nth)).ok_or_else(|| format!("py/id {number} is no edge type that came before"))
    }

    fn referenced(&self, json: &Json) -> Result<&Decoded, String> {
        let number = json.get("py/id").and_then(Json::integer).ok_or("expected an object or a py/id")?;
        let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        index
            .and_then(|index| self.objects.get(index))
            .ok_or_else(|| format!("py/id {number} refers to nothing that came before"))
    }
}

#[cfg(test)]
#[path = "skeleton_tests.rs"]
mod tests;
