//! Rows of varying length: the HDF5 crate reads only strings of that kind, so the global heap is walked here
//! ("Global Heap" in the HDF5 file format specification, III.E).

use super::file::Hdf5File;
use crate::error::{Error, Result};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// Length (4 bytes), address of the heap collection (8) and number of the object in it (4).
const REFERENCE_BYTES: usize = 16;
/// Signature, version, reserved, size of the whole collection (8).
const COLLECTION_HEADER_BYTES: u64 = 16;
/// Number (2), reference count (2), reserved (4), size (8).
const OBJECT_HEADER_BYTES: u64 = 16;

/// Where one row's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeapReference {
    len_elements: u32,
    address: u64,
    object: u32,
}

/// Splits the raw content of a variable-length dataset into references.
pub(crate) fn parse_references(file: &Hdf5File, place: &str, raw: &[u8]) -> Result<Vec<HeapReference>> {
    let (address_bytes, base) = file.addressing();
    if address_bytes != 8 {
        return Err(file.bad(place, format!("addresses of {address_bytes} bytes are not supported")));
    }
    let (rows, _) = raw.as_chunks::<REFERENCE_BYTES>();
    let parse = |row: &[u8; REFERENCE_BYTES]| {
        let word = |at: usize| u32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]]);
        let address = u64::from(word(4)) | (u64::from(word(8)) << 32);
        HeapReference { len_elements: word(0), address: address.saturating_add(base), object: word(12) }
    };
    Ok(rows.iter().map(parse).collect())
}

/// Fetches one row of single bytes.
pub(crate) fn read_heap_bytes(file: &Hdf5File, place: &str, reference: HeapReference) -> Result<Vec<u8>> {
    if reference.len_elements == 0 {
        return Ok(Vec::new());
    }
    let bad = |what: &str| file.bad(place, what);
    let mut input = File::open(file.path()).map_err(|e| Error::io("read", file.path(), e))?;
    let mut read_header = |at: u64| -> Result<[u8; 16]> {
        let mut header = [0; 16];
        input
            .seek(SeekFrom::Start(at))
            .and_then(|_| input.read_exact(&mut header))
            .map_err(|_| bad("the heap lies outside of the file"))?;
        Ok(header)
    };
    let collection = read_header(reference.address)?;
    if collection[..5] != *b"GCOL\x01" {
        return Err(bad("a row refers to something that is not a heap"));
    }
    let size = le_u64(&collection);
    let end = reference.address.checked_add(size).filter(|&end| end <= file.len_bytes());
    let end = end.ok_or_else(|| bad("the heap is larger than the file"))?;
    let mut at = reference.address + COLLECTION_HEADER_BYTES;
    while at.saturating_add(OBJECT_HEADER_BYTES) <= end {
        let header = read_header(at)?;
        let number = u32::from(u16::from_le_bytes([header[0], header[1]]));
        let (data, size) = (at + OBJECT_HEADER_BYTES, le_u64(&header));
        let fits = size <= end - data;
        if number == reference.object && number != 0 && fits && u64::from(reference.len_elements) <= size {
            let mut bytes = vec![0; reference.len_elements as usize];
            let read = input.seek(SeekFrom::Start(data)).and_then(|_| input.read_exact(&mut bytes));
            return read.map(|()| bytes).map_err(|_| bad("the heap ends too early"));
        }
        // Object 0 is the free space at the end.
        if number == 0 || !fits {
            break;
        }
        at = data.saturating_add(size.next_multiple_of(8));
    }
    Err(bad("the heap does not hold the object that a row refers to"))
}

/// The 8-byte number in the second half of a header.
fn le_u64(header: &[u8; 16]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&header[8..]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdf5_pure::FileBuilder;

    /// Strings of varying length lie on the same heap in the same way.
    #[test]
    fn finds_every_object_and_refuses_false_references() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("v.h5");
        let texts = ["first", "the second is longer", "", "x"];
        let mut builder = FileBuilder::new();
        builder.create_dataset("texts").with_vlen_strings(&texts);
        builder.write(&path).unwrap();
        let file = Hdf5File::open(&path).unwrap();
        let raw = file.raw("texts", &file.dataset("texts").unwrap().unwrap()).unwrap();
        let references = parse_references(&file, "texts", &raw).unwrap();
        assert_eq!(references.len(), 4);
        for (reference, text) in references.iter().zip(texts) {
            assert_eq!(read_heap_bytes(&file, "texts", *reference).unwrap(), text.as_bytes());
        }
        let good = references[1];
        for bad in [
            HeapReference { object: 99, ..good },
            HeapReference { object: 0, ..good },
            HeapReference { len_elements: u32::MAX, ..good },
            HeapReference { address: good.address + 8, ..good },
            HeapReference { address: u64::MAX, ..good },
            HeapReference { address: file.len_bytes() - 3, ..good },
        ] {
            assert!(read_heap_bytes(&file, "texts", bad).is_err(), "{bad:?}");
        }
    }
}
