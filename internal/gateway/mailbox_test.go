package gateway

import (
	"sync"
	"testing"
)

// TestALookSeesWhatWasPosted: it runs between two functions of the core, after those that were there before it.
func TestALookSeesWhatWasPosted(t *testing.T) {
	m := newMailbox()
	ended, end := make(chan struct{}), false
	go func() {
		defer close(ended)
		for !end {
			m.run()
		}
		m.close()
	}()
	const each = 2000
	sum := 0 // without a lock: functions run one at a time
	var posters sync.WaitGroup
	for range 4 {
		posters.Go(func() {
			mine := 0
			for i := range each {
				m.post(func() { mine++; sum++ })
				if !m.look(func() {
					if mine != i+1 {
						t.Errorf("a look saw %d functions of this goroutine, expected %d", mine, i+1)
					}
				}) {
					t.Error("a look at an open mailbox did not run")
				}
			}
		})
	}
	posters.Wait()
	m.look(func() {
		if sum != 4*each {
			t.Errorf("%d functions ran, expected %d", sum, 4*each)
		}
	})
	m.post(func() { end = true })
	<-ended
	if m.look(func() { t.Error("a function ran after the end") }) {
		t.Error("a look at a closed mailbox is said to have run")
	}
}
