//! Passwords that go on as they begin: what their first characters say, the rest says too.

/// The fewest characters that do not follow from those before.
const FEWEST: usize = 5;

/// Neighbours, forwards and backwards: the alphabet, the digits, and the rows of keyboards.
const ROWS: [&str; 9] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
];

/// Whether a text in lower case repeats itself, or goes along a row, but for a few characters.
pub fn is_predictable(text: &str) -> bool {
    let all: Vec<char> = text.chars().collect();
    // What is a part again and again says no more than the part.
    let period = (1..=all.len()).find(|period| all.iter().zip(&all[*period..]).all(|(a, b)| a == b));
    let part = &all[..period.unwrap_or(all.len())];
    let surprises = part.windows(2).filter(|pair| !follows(pair[0], pair[1])).count();
    surprises + 1 < FEWEST
}

fn follows(before: char, next: char) -> bool {
    let beside = |row: &str| {
        let place = |c: char| row.chars().position(|other| other == c);
        place(before).zip(place(next)).is_some_and(|(a, b)| a.abs_diff(b) == 1)
    };
    before == next || ROWS.into_iter().any(beside)
}

/// A text with letters in the place of the digits and signs that look like them.
pub fn spelt(text: &str) -> String {
    let letter = |c: char| match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    text.chars().map(letter).collect()
}
