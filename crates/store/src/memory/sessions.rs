//! READY and ENTERED: what the user records are on Redis.

use sunbeon_domain::{COOLING_MS, EntryNumber, MemberId, Phase, UnixMs};

use super::{
    line::Line,
    records::{Session, Settled},
};
use crate::{Claim, Extension, Leaving, TokenFacts};

impl Line {
    pub(super) fn become_ready(&mut self, member: &MemberId, number: EntryNumber) -> Settled {
        let until = self.now + self.ready_ms();
        self.ready.set(member, until.0);
        self.sessions
            .insert(member.clone(), Session::Ready { number, until });
        Settled::Ready(number, until)
    }

    /// Ends what has run out of a member's session; says where the member stands then.
    pub(super) fn settle_session(&mut self, member: &MemberId) -> Settled {
        match self.sessions.get(member) {
            None => Settled::None,
            Some(Session::Ready { number, until }) => {
                let until = UnixMs(until.0.max(self.grace + self.ready_ms()));
                if until > self.now {
                    return Settled::Ready(*number, until);
                }
                self.ready.remove(member);
                self.sessions.remove(member);
                self.totals.unclaimed += 1;
                Settled::None
            }
            Some(Session::Entered { facts, .. }) => {
                let until = UnixMs(facts.exp * 1_000);
                if until > self.now {
                    return Settled::Entered(facts.number, until);
                }
                self.end_inside(member, until + COOLING_MS);
                self.totals.expired += 1;
                Settled::None
            }
        }
    }

    /// Ends an ENTERED session; its slot stays taken until every gate knows.
    fn end_inside(&mut self, member: &MemberId, slot_end: UnixMs) -> Option<TokenFacts> {
        self.inside.remove(member);
        let Some(Session::Entered { facts, .. }) = self.sessions.remove(member) else {
            return None;
        };
        if slot_end > self.now {
            self.cooling.set(&facts.number, slot_end.0);
        }
        Some(facts)
    }

    /// Ends an ENTERED session before its time.
    fn revoke(&mut self, member: &MemberId) {
        if let Some(facts) = self.end_inside(member, self.now + COOLING_MS) {
            self.list_as_revoked(facts.number, facts.iat, facts.exp);
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
            (Settled::Ready(number, _), Leaving::Removed) => self.revoke_ready(member, number),
            // Members leave too often to be listed for a claim that a failover may have lost.
            (Settled::Ready(..), Leaving::ByChoice) => {
                self.ready.remove(member);
                self.sessions.remove(member);
            }
            _ => self.revoke(member),
        }
        self.totals.exited += 1;
    }

    pub(super) fn claim(&mut self, member: &MemberId, kid: &str) -> Claim {
        let place = self.settle(member);
        if let (Settled::Entered(..), Some(Session::Entered { facts, .. })) =
            (place, self.sessions.get(member))
        {
            return Claim::Entered(Box::new((self.concert.clone(), facts.clone())));
        }
        if self.phase == Phase::Closed {
            return Claim::Closed;
        }
        let Settled::Ready(number, _) = place else {
            return Claim::NotReady;
        };
        let iat = self.now.seconds();
        let exp = iat + i64::from(self.concert.policy.session_minutes) * 60;
        let facts = TokenFacts {
            number,
            jti: number.token_id(&self.concert.concert_id),
            kid: kid.to_owned(),
            iat,
            exp,
        };
        self.ready.remove(member);
        self.inside.set(member, exp * 1_000);
        let session = Session::Entered {
            facts: facts.clone(),
        };
        self.sessions.insert(member.clone(), session);
        Claim::Entered(Box::new((self.concert.clone(), facts)))
    }

    pub(super) fn complete(&mut self, member: &MemberId, number: EntryNumber) -> bool {
        match self.settle(member) {
            Settled::Entered(inside, _) if inside == number => self.revoke(member),
            Settled::Ready(called, _) if called == number => {
                self.revoke_ready(member, number);
                self.cooling.set(&number, (self.now + COOLING_MS).0);
            }
            _ => return false,
        }
        self.totals.completed += 1;
        true
    }

    pub(super) fn extend(&mut self, member: &MemberId, number: EntryNumber) -> Option<Extension> {
        let place = self.settle(member);
        let policy = &self.concert.policy;
        let hold = i64::from(policy.hold_duration_minutes) * 60;
        let session = i64::from(policy.session_minutes) * 60;
        let hold_end = self.now.seconds() + hold;
        let Some(Session::Entered { facts }) = self.sessions.get_mut(member) else {
            return None;
        };
        if !matches!(place, Settled::Entered(inside, _) if inside == number) {
            return None;
        }
        let until = hold_end.min(facts.iat + session + hold);
        let moves = until > facts.exp;
        if moves {
            facts.exp = until;
            self.inside.set(member, until * 1_000);
        }
        Some(Extension {
            concert: self.concert.clone(),
            token: facts.clone(),
            extended: moves,
        })
    }
}
