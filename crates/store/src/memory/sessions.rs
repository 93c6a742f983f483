//! READY and ENTERED: what the user records are on Redis.

use sunbeon_domain::{COOLING_MS, EntryNumber, MemberId, Phase, UnixMs};

use super::{
    line::Line,
    records::{Session, Settled},
};
use crate::{Claim, Extension, Leaving, TokenFacts};

impl Line {
    pub(super) fn become_ready(&mut self, member: &MemberId, number: EntryNumber) -> Settled {
        let until = self.times.claim.reading(self.now) + self.ready_ms();
        self.ready.set(member, until);
        self.sessions
            .insert(member.clone(), Session::Ready { number, until });
        Settled::Ready(number, self.ready_until(until))
    }

    /// When the time of a READY member is up, as far as is known.
    fn ready_until(&self, until: i64) -> UnixMs {
        let claim = self.times.claim;
        self.now + (until - claim.reading(self.now) + claim.stand)
    }

    /// Ends what has run out of a member's session; says where the member stands then.
    pub(super) fn settle_session(&mut self, member: &MemberId) -> Settled {
        match self.sessions.get(member) {
            None => Settled::None,
            Some(Session::Ready { number, until }) => {
                if *until > self.times.claim.time {
                    return Settled::Ready(*number, self.ready_until(*until));
                }
                self.ready.remove(member);
                self.sessions.remove(member);
                self.end_slot(member, 0);
                self.totals.unclaimed += 1;
                Settled::None
            }
            Some(Session::Entered { facts, until, .. }) => {
                if *until > self.times.slot.time {
                    return Settled::Entered(facts.number, UnixMs(facts.exp * 1_000));
                }
                self.run_out_inside(member, *until);
                Settled::None
            }
        }
    }

    /// A session's time is up. One whose token lives on by the clock is revoked.
    fn run_out_inside(&mut self, member: &MemberId, until: i64) {
        self.totals.expired += 1;
        let Some(facts) = self.end_inside(member) else {
            return;
        };
        if facts.exp * 1_000 > self.now.0 {
            self.list_as_revoked(facts.number, facts.iat, facts.exp);
            self.end_slot(member, self.times.slot.time + COOLING_MS);
        } else {
            self.end_slot(member, until + COOLING_MS);
        }
    }

    fn end_inside(&mut self, member: &MemberId) -> Option<TokenFacts> {
        self.inside.remove(member);
        match self.sessions.remove(member) {
            Some(Session::Entered { facts, .. }) => Some(facts),
            _ => None,
        }
    }

    /// Ends an ENTERED session before its time; its slot stays taken until every gate knows.
    fn revoke(&mut self, member: &MemberId) {
        if let Some(facts) = self.end_inside(member) {
            self.list_as_revoked(facts.number, facts.iat, facts.exp);
            self.end_slot(member, self.times.slot.time + COOLING_MS);
        }
    }

    /// Revokes every token of an entry, until none can live: not the one on record, nor one that
    /// was issued or extended before a failover lost that.
    fn list_as_revoked(&mut self, number: EntryNumber, iat: i64, exp: i64) {
        let until = exp.max(iat + self.longest_s);
        self.revoked.add(number, until, self.now_us);
    }

    /// Ends a READY session whose entry may have a token: a failover lost the claim.
    fn revoke_ready(&mut self, member: &MemberId, number: EntryNumber) {
        self.ready.remove(member);
        self.sessions.remove(member);
        self.list_as_revoked(number, self.now.seconds(), 0);
    }

    /// Ends a session because its member leaves or is removed.
    pub(super) fn exit_session(&mut self, member: &MemberId, place: Settled, how: Leaving) {
        match (place, how) {
            (Settled::Ready(number, _), Leaving::Removed) => {
                self.revoke_ready(member, number);
                self.end_slot(member, 0);
            }
            // Members leave too often to be listed for a claim that a failover may have lost.
            (Settled::Ready(..), Leaving::ByChoice) => {
                self.ready.remove(member);
                self.sessions.remove(member);
                self.end_slot(member, 0);
            }
            _ => self.revoke(member),
        }
        self.totals.exited += 1;
    }

    pub(super) fn claim(&mut self, member: &MemberId, kid: &str) -> Claim {
        self.beat_slots();
        let place = self.settle(member);
        if let Settled::Entered(..) = place
            && let Some(facts) = self.claim_again(member, kid)
        {
            return Claim::Entered(Box::new((self.concert.clone(), facts)));
        }
        if self.phase == Phase::Closed {
            return Claim::Closed;
        }
        let Settled::Ready(number, _) = place else {
            return Claim::NotReady;
        };
        let iat = self.now.seconds();
        let session = i64::from(self.concert.policy.session_minutes) * 60;
        let facts = TokenFacts {
            number,
            jti: number.token_id(&self.concert.concert_id),
            kid: kid.to_owned(),
            iat,
            exp: iat + session,
        };
        let begun = self.times.slot.time + iat * 1_000 - self.now.0;
        let until = begun + session * 1_000;
        self.ready.remove(member);
        self.inside.set(member, until);
        let session = Session::Entered {
            facts: facts.clone(),
            until,
            begun,
        };
        self.sessions.insert(member.clone(), session);
        self.forget_page(member);
        Claim::Entered(Box::new((self.concert.clone(), facts)))
    }

    /// The facts of the same token. Where that has run out by the clock and the slot stands, it is
    /// issued anew, for what is left of the slot.
    fn claim_again(&mut self, member: &MemberId, kid: &str) -> Option<TokenFacts> {
        let (now, slot) = (self.now, self.times.slot.time);
        let Some(Session::Entered { facts, until, .. }) = self.sessions.get_mut(member) else {
            return None;
        };
        let exp = (now + (*until - slot)).seconds();
        if facts.exp * 1_000 <= now.0 && exp > facts.exp {
            facts.exp = exp;
            kid.clone_into(&mut facts.kid);
        }
        Some(facts.clone())
    }

    pub(super) fn complete(&mut self, member: &MemberId, number: EntryNumber) -> bool {
        self.beat_slots();
        match self.settle(member) {
            Settled::Entered(inside, _) if inside == number => self.revoke(member),
            Settled::Ready(called, _) if called == number => {
                self.revoke_ready(member, number);
                self.end_slot(member, self.times.slot.time + COOLING_MS);
            }
            _ => return false,
        }
        self.totals.completed += 1;
        true
    }

    pub(super) fn extend(&mut self, member: &MemberId, number: EntryNumber) -> Option<Extension> {
        self.beat_slots();
        let place = self.settle(member);
        let policy = &self.concert.policy;
        let hold = i64::from(policy.hold_duration_minutes) * 60_000;
        let session = i64::from(policy.session_minutes) * 60_000;
        let (now, slot) = (self.now, self.times.slot.time);
        let Some(Session::Entered {
            facts,
            until,
            begun,
        }) = self.sessions.get_mut(member)
        else {
            return None;
        };
        if !matches!(place, Settled::Entered(inside, _) if inside == number) {
            return None;
        }
        let most = *begun + session + hold - slot;
        let left = (now.seconds() * 1_000 + hold - now.0).min(most);
        let moves = slot + left > *until;
        if moves {
            *until = slot + left;
            facts.exp = facts.exp.max((now + left).seconds());
            self.inside.set(member, *until);
        }
        let token = facts.clone();
        self.need_no_page(member);
        Some(Extension {
            concert: self.concert.clone(),
            token,
            extended: moves,
        })
    }
}
