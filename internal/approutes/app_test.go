package approutes

import (
	"io"
	"testing"

	"ringway/envmap"
	"ringway/envmap/envtest"
)

// TestEnvEchoOfAnUnknownLengthIsDuplex: the first piece comes back before the second was sent.
func TestEnvEchoOfAnUnknownLengthIsDuplex(t *testing.T) {
	reader, writer := io.Pipe()
	r := envtest.Request{Method: "POST", Target: "/echo", Body: reader, Length: envmap.LengthUnknown}
	x := duplex{Exchange: envtest.NewExchange(t.Context(), r), flushed: make(chan struct{}, 10)}
	result := make(chan error, 1)
	go func() { result <- envmap.NewRunner(App(Options{})).Run(x) }()
	for range 3 {
		if _, err := io.WriteString(writer, "ping"); err != nil {
			t.Fatal(err)
		}
		<-x.flushed
	}
	writer.Close()
	if err := <-result; err != nil || string(x.Body) != "pingpingping" {
		t.Errorf("%v, %q", err, x.Body)
	}
}

type duplex struct {
	*envtest.Exchange
	flushed chan struct{}
}

func (x duplex) Flush() error {
	defer func() { x.flushed <- struct{}{} }()
	return x.Exchange.Flush()
}
