package supervisor

import (
	"testing"
	"time"
)

func TestBackoffDoublesUpToMaxAndStartsAnewAfterAHealthyLife(t *testing.T) {
	b := Backoff{Min: 50 * time.Millisecond, Max: time.Second, Healthy: 5 * time.Second, Random: func() float64 { return 0.5 }}
	for i, want := range []time.Duration{50, 100, 200, 400, 800, 1000, 1000} {
		if got := b.Next(time.Second); got != want*time.Millisecond {
			t.Fatalf("wait %d is %v, want %vms", i, got, want)
		}
	}
	if got := b.Next(5 * time.Second); got != 0 {
		t.Fatalf("wait after a healthy life is %v, want none", got)
	}
	if got := b.Next(time.Second); got != 50*time.Millisecond {
		t.Fatalf("wait after the next life is %v, want 50ms", got)
	}
	for range 1000 {
		if got := b.Next(0); got > time.Second || got <= 0 {
			t.Fatalf("wait %v after many failures", got)
		}
	}
}

func TestBackoffJitterStaysInItsBounds(t *testing.T) {
	random := 0.0
	b := Backoff{Min: time.Second, Max: time.Second, Healthy: time.Hour, Jitter: 0.2, Random: func() float64 { return random }}
	if got := b.Next(0); got != 800*time.Millisecond {
		t.Errorf("lowest wait %v, want 800ms", got)
	}
	random = 0.999999
	if got := b.Next(0); got < 1199*time.Millisecond || got > 1200*time.Millisecond {
		t.Errorf("highest wait %v, want just below 1.2s", got)
	}
}
