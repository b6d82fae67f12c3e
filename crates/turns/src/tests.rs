//! Whose turn it is.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use rollbook_domain::SiteId;
use uuid::Uuid;

use crate::{Bounds, Busy, Turn, Turns};

fn turns(at_once: usize) -> Turns {
    let patience = Duration::from_mins(1);
    Turns::new(Bounds { at_once, waiting: 64, waiting_of_site: 8, patience })
}

fn site(number: u128) -> SiteId {
    SiteId(Uuid::from_u128(number))
}

/// Somebody of a site who waits, and has asked.
fn waiting(turns: &Turns, number: u128) -> BoxFuture<'_, Result<Turn, Busy>> {
    let mut turn = turns.turn(site(number)).boxed();
    assert!((&mut turn).now_or_never().is_none());
    turn
}

#[tokio::test(start_paused = true)]
async fn sites_take_turns_and_a_site_with_many_delays_its_own() {
    let turns = turns(1);
    let mut held = Some(turns.turn(site(1)).await.unwrap());
    let mut line = Vec::new();
    for number in [1, 1, 1, 2, 3, 2] {
        line.push((number, waiting(&turns, number)));
    }
    let mut order = Vec::new();
    while !line.is_empty() {
        drop(held.take());
        let mut at = 0;
        while held.is_none() {
            if let Some(turn) = (&mut line[at].1).now_or_never() {
                held = Some(turn.unwrap());
                order.push(line.remove(at).0);
            } else {
                at += 1;
            }
        }
        for (_, other) in &mut line {
            assert!(other.now_or_never().is_none(), "one at a time");
        }
    }
    assert_eq!(order, [1, 2, 3, 1, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_holds_up_nobody() {
    let turns = turns(2);
    let held = [turns.turn(site(1)).await.unwrap(), turns.turn(site(1)).await.unwrap()];
    let (gone, also_gone, stays) = (waiting(&turns, 1), waiting(&turns, 2), waiting(&turns, 1));
    drop(gone);
    drop(held);
    // One had its turn already and never looked.
    drop(also_gone);
    let turn = stays.await.unwrap();
    let other = turns.turn(site(3)).now_or_never().expect("a place is free").unwrap();
    assert!(turns.turn(site(3)).now_or_never().is_none(), "and no third");
    drop((turn, other));
    for _ in 0..2 {
        assert!(turns.turn(site(4)).now_or_never().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn the_line_has_an_end_for_each_site_and_for_all() {
    let turns = turns(1);
    let held = turns.turn(site(1)).await.unwrap();
    let mut line = Vec::new();
    for number in 1..=8 {
        for _ in 0..8 {
            line.push(waiting(&turns, number));
        }
        let one_more = turns.turn(site(number)).now_or_never();
        assert!(matches!(one_more, Some(Err(Busy))), "{number}");
    }
    // The line is full: whoever comes of a site that has few in it takes the place of the last of a site that has many.
    let mut late: Vec<_> = (0..7).map(|_| waiting(&turns, 9)).collect();
    let gone = line.iter_mut().filter_map(FutureExt::now_or_never).collect::<Vec<_>>();
    assert!(gone.len() == 7 && gone.iter().all(|turn| matches!(turn, Err(Busy))), "one for each");
    assert!(matches!(turns.turn(site(9)).now_or_never(), Some(Err(Busy))), "nobody has more than that");
    drop(line);
    late.push(waiting(&turns, 10));
    // And nobody waits for ever.
    for turn in late {
        assert!(matches!(turn.await, Err(Busy)));
    }
    drop(held);
    assert!(turns.turn(site(1)).now_or_never().is_some());
}
