//! A reader of NumPy's `.npy` files, as far as the reference tensors need it: little-endian f32, C order.

use std::path::Path;

/// A tensor from a `.npy` file.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Extent of each axis.
    pub shape: Vec<usize>,
    /// Values in C order.
    pub data: Vec<f32>,
}

/// Reads a little-endian f32 array in C order.
///
/// # Errors
/// A sentence that names the file and what was found in it instead.
pub fn read_f32(path: &Path) -> Result<Tensor, String> {
    let fail = |what: &str| format!("{}: {what}", path.display());
    let bytes = std::fs::read(path).map_err(|e| fail(&e.to_string()))?;
    parse_f32(&bytes).map_err(|what| fail(&what))
}

fn parse_f32(bytes: &[u8]) -> Result<Tensor, String> {
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("not an .npy file")?;
    // Version 1 has a header length of two bytes, later versions one of four.
    let (header, body) = match rest {
        [1, _, a, b, rest @ ..] => rest.split_at_checked(usize::from(u16::from_le_bytes([*a, *b]))),
        [_, _, a, b, c, d, rest @ ..] => rest.split_at_checked(u32::from_le_bytes([*a, *b, *c, *d]) as usize),
        _ => None,
    }
    .ok_or("the header is cut off")?;
    let header = std::str::from_utf8(header).map_err(|_| "the header is not text")?;
    if !header.contains("'descr': '<f4'") || !header.contains("'fortran_order': False") {
        return Err(format!("expected little-endian f32 in C order, got {header}"));
    }
    let shape = header.split_once("'shape': (").and_then(|(_, s)| s.split_once(')')).ok_or("the header has no shape")?.0;
    let sides = shape.split(',').map(str::trim).filter(|s| !s.is_empty());
    let shape: Vec<usize> =
        sides.map(|s| s.parse().map_err(|_| format!("the shape has a side {s}"))).collect::<Result<_, _>>()?;
    let data: Vec<f32> = body.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    let expected: usize = shape.iter().product();
    if data.len() != expected {
        return Err(format!("shape {shape:?} needs {expected} values, got {}", data.len()));
    }
    Ok(Tensor { shape, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(shape: &str, values: &[f32]) -> Vec<u8> {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        values.iter().for_each(|v| bytes.extend(v.to_le_bytes()));
        bytes
    }

    #[test]
    fn reads_what_numpy_writes() {
        let tensor = parse_f32(&file("(1, 2)", &[1.5, -2.0])).unwrap();
        assert_eq!(tensor, Tensor { shape: vec![1, 2], data: vec![1.5, -2.0] });
        assert_eq!(parse_f32(&file("(3,)", &[0.0; 3])).unwrap().shape, [3]);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert!(parse_f32(b"PK").is_err());
        assert!(parse_f32(&file("(2, 2)", &[0.0; 3])).is_err());
        assert!(parse_f32(&file("(2,", &[0.0; 2])[..12]).is_err());
    }
}
