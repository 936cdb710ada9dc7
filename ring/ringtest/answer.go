package ringtest

import "ringway/ring"

// event applies one outbound event, by the rules of 3.8.
func (gw *Gateway) event(e *ring.Event) {
	if int(e.Exchange) >= len(gw.slots) {
		gw.fail("event %d for slot %d", e.Kind, e.Exchange)
		return
	}
	ex := gw.slots[e.Exchange]
	if ex == nil || ex.generation != e.Generation || ex.ended {
		gw.fail("event %d for slot %d generation %d, which is not running", e.Kind, e.Exchange, e.Generation)
		return
	}
	for _, r := range []ring.Ref{e.Head(), e.Body()} {
		if err := ring.CheckRef(r, gw.Lane.Geometry.ArenaUnits); err != nil {
			gw.fail("event %d: %w", e.Kind, err)
			return
		}
	}
	a := &ex.Answer
	switch e.Kind {
	case ring.EventInform:
		if a.Begun || e.Status < 102 || e.Status > 199 {
			gw.fail("INFORM %d, response begun: %v", e.Status, a.Begun)
		}
		a.Informs = append(a.Informs, Head{e.Status, gw.fields(e.Head())})
	case ring.EventContinue:
		if a.Continued || a.Begun {
			gw.fail("CONTINUE twice or after the response")
		}
		a.Continued = true
	case ring.EventResponse:
		if a.Begun {
			gw.fail("second RESPONSE")
		}
		if e.Status == 101 && (!ex.upgrade || e.Flags&ring.FlagEnd != 0 || e.Total != ring.LengthUnknown) {
			gw.fail("101 with flags %d and total %d, upgrade offered: %v", e.Flags, e.Total, ex.upgrade)
		}
		a.Begun, a.Total, a.Head = true, e.Total, Head{e.Status, gw.fields(e.Head())}
		a.Events++
	case ring.EventResponseBody:
		if !a.Begun {
			gw.fail("RESPONSE_BODY before RESPONSE")
		}
		if e.Flags&ring.FlagTrailers != 0 {
			a.Trailers = gw.fields(e.Head())
		}
		if a.Shut && e.BodyBlock != ring.NoBlock || e.Flags&ring.FlagShut != 0 && (a.Shut || a.Status != 101) {
			gw.fail("RESPONSE_BODY with flags %d to %d, shut before: %v", e.Flags, a.Status, a.Shut)
		}
		a.Shut = a.Shut || e.Flags&ring.FlagShut != 0
		a.Events++
	case ring.EventWant:
		if e.Credit == 0 || e.Credit > ring.MaxBlock || e.Credit%ring.Unit != 0 {
			gw.fail("WANT %d", e.Credit)
		}
		a.Wants = append(a.Wants, e.Credit)
		if gw.Poor && !ex.refused {
			ex.refuse, ex.refused = true, true
		} else if !gw.Poor {
			ex.owed += max(0, int(e.Credit)-ex.window)
		}
	case ring.EventResponseFile:
		gw.fileEvent(ex, e)
	case ring.EventFileStop:
		a.Stops++
		if ex.file != nil {
			ex.fileOver(ring.FileCut)
		}
	case ring.EventAbort:
		a.Aborted, a.Abort, ex.ended = true, e.Status, true
	default:
		gw.fail("event kind %d", e.Kind)
	}
	body := e.Body()
	if !body.None() {
		a.Body = append(a.Body, gw.Lane.OutArena[body.Offset:body.Offset+body.Length]...)
	}
	if e.Flags&ring.FlagEnd != 0 {
		ex.ended = true
	}
	gw.release(ex, e.Head(), body)
}

// release accounts for the blocks of an event and gives them back.
func (gw *Gateway) release(ex *Exchange, head, body ring.Ref) {
	for i, r := range []ring.Ref{head, body} {
		if r.None() || i == 1 && r.Block == head.Block {
			continue
		}
		ex.window -= ring.Handle(r.Block).Size()
		ex.refused = false
		if ex.window < 0 {
			gw.fail("slot %d used %d bytes beyond its window", ex.slot, -ex.window)
		}
		if gw.keep {
			gw.kept = append(gw.kept, lent{ex, r.Block})
			continue
		}
		gw.giveBack(ex, r.Block)
	}
}

func (gw *Gateway) giveBack(ex *Exchange, block uint32) {
	gw.Lane.Return(block)
	if !ex.ended {
		ex.owed += ring.Handle(block).Size()
	}
}

func (gw *Gateway) fields(r ring.Ref) []Field {
	if r.None() {
		return nil
	}
	list := gw.Lane.OutArena[r.Offset : r.Offset+r.Length]
	var out []Field
	for len(list) > 0 {
		id, name, value, rest, err := ring.NextField(list)
		if err != nil {
			gw.fail("field list: %w", err)
			return out
		}
		f := Field{string(name), string(value)}
		if id != ring.NameOther {
			f.Name = id.Canonical()
		}
		out, list = append(out, f), rest
	}
	return out
}

// reuse frees the slot when L5 allows it.
func (gw *Gateway) reuse(ex *Exchange) {
	if ex.released || !ex.ended && !ex.lost {
		return
	}
	if ex.hasCredit && !gw.Lane.Consumed(ex.creditAt) || ex.cancels > 0 && !gw.Lane.Consumed(ex.cancelAt) {
		return
	}
	ex.released = true
	gw.slots[ex.slot] = nil
	gw.free = append(gw.free, ex.slot)
}
