//! CRC-32C, the checksum of header, body and sections.

use crc::{CRC_32_ISCSI, Crc, Table};

/// Sixteen lookup tables: one pass over a network of 8 MB takes milliseconds.
const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// CRC-32C (Castagnoli, as in iSCSI, RFC 3720) of `bytes`.
pub fn crc32c(bytes: &[u8]) -> u32 {
    static TABLES: Crc<u32, Table<16>> = CRC;
    TABLES.checksum(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        // RFC 3720, appendix B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
