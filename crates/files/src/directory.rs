//! The directory of a compound file ([MS-CFB]), read flat: the names of its storages and streams, wherever in the tree they are,
//! or if nothing leads to them. Whoever follows the tree keeps a path for each entry, which is as long as a file likes.

use std::io::{self, Read, Seek, SeekFrom};

/// How long the header is, and where in it things are.
const HEADER_BYTES: usize = 512;
const SHIFT_AT: usize = 30;
const DIRECTORY_AT: usize = 48;
const MORE_FAT_AT: usize = 68;
const FAT_AT: usize = 76;

/// The shifts of the lengths of sectors, in both versions.
const SHIFTS: [u16; 2] = [9, 12];

/// What ends a chain of sectors, and what no sector is.
const END: u32 = 0xFFFF_FFFE;
const NONE: u32 = 0xFFFF_FFFF;

/// The most sectors that say where the table of sectors is: 50 MiB need seven.
const MOST_MORE_FAT: usize = 64;

/// An entry, and where in it things are.
const ENTRY_BYTES: usize = 128;
const NAME_BYTES: usize = 64;
const KIND_AT: usize = 66;

/// The names of all entries; none where there are more than `most`. Where an entry is unclear about the length of its name, both
/// are there.
pub fn names<F: Read + Seek>(file: &mut F, most: usize) -> io::Result<Option<Vec<String>>> {
    let mut tables = Tables::read(file)?;
    let (mut names, mut count, mut sector) = (Vec::new(), 0, tables.directory);
    while sector != END {
        let entries = tables.sector(sector)?;
        count += entries.len() / ENTRY_BYTES;
        // What goes round comes to this, too.
        if count > most {
            return Ok(None);
        }
        names.extend(entries.chunks_exact(ENTRY_BYTES).filter(|entry| entry[KIND_AT] != 0).flat_map(names_of));
        sector = tables.next(sector)?;
    }
    Ok(Some(names))
}

/// What an entry is called: up to the length that it says, and up to the first zero.
fn names_of(entry: &[u8]) -> [String; 2] {
    let (name, rest) = entry.split_at(NAME_BYTES.min(entry.len()));
    let letters: Vec<u16> = name.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    // The length is in bytes, with the zero at the end.
    let said = rest.first_chunk().map_or(0, |length| usize::from(u16::from_le_bytes(*length)) / 2);
    let zero = letters.iter().position(|letter| *letter == 0).unwrap_or(letters.len());
    [said.saturating_sub(1), zero].map(|length| String::from_utf16_lossy(letters.get(..length).unwrap_or(&letters)))
}

/// Which sector follows which.
struct Tables<'f, F> {
    file: &'f mut F,
    shift: u16,
    /// The directory's first sector.
    directory: u32,
    /// The sectors of the table of sectors.
    fat: Vec<u32>,
}

impl<'f, F: Read + Seek> Tables<'f, F> {
    fn read(file: &'f mut F) -> io::Result<Self> {
        let mut header = [0; HEADER_BYTES];
        file.rewind()?;
        file.read_exact(&mut header)?;
        let shift = u16::from_le_bytes([header[SHIFT_AT], header[SHIFT_AT + 1]]);
        if !SHIFTS.contains(&shift) {
            return Err(io::Error::other("sectors of another length"));
        }
        let (directory, mut more) = (number(&header, DIRECTORY_AT)?, number(&header, MORE_FAT_AT)?);
        let mut tables = Self { file, shift, directory, fat: numbers(&header[FAT_AT..]) };
        for nth in 0.. {
            if [END, NONE].contains(&more) {
                break;
            }
            if nth >= MOST_MORE_FAT {
                return Err(io::Error::other("a table of sectors that is too long"));
            }
            let mut sectors = numbers(&tables.sector(more)?);
            more = sectors.pop().unwrap_or(END);
            tables.fat.extend(sectors);
        }
        Ok(tables)
    }

    /// The bytes of a sector.
    fn sector(&mut self, sector: u32) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; 1 << self.shift];
        self.read_at(sector, 0, &mut bytes)?;
        Ok(bytes)
    }

    /// The sector that follows one.
    fn next(&mut self, sector: u32) -> io::Result<u32> {
        let of_sector = u32::from(self.shift) - 2;
        let place = usize::try_from(sector >> of_sector).map_err(io::Error::other)?;
        let table = self.fat.get(place).copied().ok_or_else(|| io::Error::other("a sector that is in no table"))?;
        let mut next = [0; 4];
        self.read_at(table, u64::from(sector & ((1 << of_sector) - 1)) * 4, &mut next)?;
        Ok(u32::from_le_bytes(next))
    }

    fn read_at(&mut self, sector: u32, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        // The header is in the place of the first.
        self.file.seek(SeekFrom::Start(((u64::from(sector) + 1) << self.shift) + offset))?;
        self.file.read_exact(bytes)
    }
}

fn number(bytes: &[u8], at: usize) -> io::Result<u32> {
    let number = bytes.get(at..).and_then(|bytes| bytes.first_chunk());
    number.map(|number| u32::from_le_bytes(*number)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|number| u32::from_le_bytes([number[0], number[1], number[2], number[3]])).collect()
}
