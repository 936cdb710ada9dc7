package main

import (
	"image/color"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// palette is told apart also without red and green (after Okabe and Ito).
var palette = []color.Color{
	color.RGBA{0x99, 0x99, 0x99, 0xff}, color.RGBA{0xd5, 0x5e, 0x00, 0xff}, color.RGBA{0xe6, 0x9f, 0x00, 0xff},
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, color.RGBA{0x56, 0xb4, 0xe9, 0xff}, color.RGBA{0x00, 0x9e, 0x73, 0xff},
	color.RGBA{0xcc, 0x79, 0xa7, 0xff}, color.RGBA{0x33, 0x33, 0x33, 0xff},
}

// plots writes the plots of what is recorded.
func (r recorded) plots(directory string) error {
	if r.compare != nil {
		for _, p := range []struct {
			file, title string
			m           metric
		}{
			{"throughput.svg", "Requests per second, relative to net/http direct (more is better)", rate},
			{"cpu.svg", "Server CPU per request, relative to net/http direct (less is better)", cpu},
		} {
			if err := r.compare.bars(filepath.Join(directory, p.file), p.title, p.m); err != nil {
				return err
			}
		}
	}
	if r.soak != nil && len(r.soak.Samples) > 0 {
		return r.soak.lines(filepath.Join(directory, "soak.svg"))
	}
	return nil
}

// bars draws one group per load and one bar per target, relative to net/http direct. Pipelined requests are left to
// the tables: their ratios would flatten all others.
func (c *comparison) bars(path, title string, m metric) error {
	p := plot.New()
	p.Title.Text = title
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(2)
	p.Y.Min = 0
	var shown []describedTarget
	for _, t := range c.Targets {
		switch t.Name {
		case "nethttp", "nginx-1", "nginx-2-reuseport", "haproxy-1": // the base, and variants
		default:
			shown = append(shown, t)
		}
	}
	var drawn []load
	for _, l := range c.Loads {
		if l.Depth == 1 {
			drawn = append(drawn, l)
		}
	}
	if len(drawn) == 0 || len(shown) == 0 {
		return nil
	}
	const width = 11.0
	for i, t := range shown {
		values := make(plotter.Values, len(drawn))
		for j, l := range drawn {
			s, base := c.summary(t.Name, l.Name), c.summary("nethttp", l.base())
			if s.ok() && base.ok() && m(base) > 0 {
				values[j] = m(s) / m(base)
			}
		}
		bars, err := plotter.NewBarChart(values, vg.Points(width))
		if err != nil {
			return err
		}
		bars.Color = palette[i%len(palette)]
		bars.LineStyle.Width = 0
		bars.Offset = vg.Points((float64(i) - float64(len(shown)-1)/2) * width)
		p.Add(bars)
		p.Legend.Add(t.Title, bars)
	}
	names := make([]string, len(drawn))
	for i, l := range drawn {
		names[i] = strings.ReplaceAll(strings.ReplaceAll(l.Title, "`", ""), " (", "\n(")
	}
	one := plotter.NewFunction(func(float64) float64 { return 1 })
	one.Color = color.Black
	one.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	p.Add(one)
	p.Legend.Add("net/http direct", one)
	p.NominalX(names...)
	p.Y.Max *= 1.6 // room for the legend
	return p.Save(vg.Points(max(500, float64(len(drawn)*(len(shown)+2))*width)), vg.Points(380), path)
}

// lines draws resident memory over time.
func (r *soakReport) lines(path string) error {
	p := plot.New()
	p.Title.Text = "Resident memory during the mixed load"
	p.X.Label.Text = "seconds"
	p.Y.Label.Text = "MiB"
	p.Y.Min = 0
	p.Legend.Top = true
	for i, line := range []struct {
		name string
		pick func(sample) int64
	}{
		{"gateway RSS", func(s sample) int64 { return s.Gateway.RSS }},
		{"worker RSS", func(s sample) int64 { return s.Worker.RSS }},
		{"gateway without shared memory", func(s sample) int64 { return s.Gateway.RSS - s.Gateway.Shared }},
		{"worker without shared memory", func(s sample) int64 { return s.Worker.RSS - s.Worker.Shared }},
	} {
		points := make(plotter.XYs, len(r.Samples))
		for j, s := range r.Samples {
			points[j] = plotter.XY{X: s.Seconds, Y: float64(line.pick(s)) / (1 << 20)}
		}
		drawn, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		drawn.Color = palette[(i*2+1)%len(palette)]
		drawn.Width = vg.Points(1.5)
		p.Add(drawn)
		p.Legend.Add(line.name, drawn)
	}
	p.Y.Max *= 1.25
	return p.Save(vg.Points(620), vg.Points(320), path)
}
