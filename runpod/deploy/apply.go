package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gopherpod/gopherpod/runpod"
	"github.com/gopherpod/gopherpod/tensors/pause"
)

// Apply carries out the plan: it creates or changes the volume, the template and the
// endpoint, waits until the endpoint answers, and runs the check job unless
// Options.NoCheck. It reports progress on out. After an error, the id is that of the
// endpoint if it exists. What was created stays, and a new plan continues from there.
func (p *Plan) Apply(ctx context.Context, client *runpod.Client, out io.Writer) (runpod.EndpointID, error) {
	m := client.Management()
	if err := p.makeVolume(ctx, m, out); err != nil {
		return "", err
	}
	t, err := p.ensureTemplate(ctx, m)
	if err != nil {
		return "", err
	}
	info, done, err := p.ensureEndpoint(ctx, m, t.ID)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(out, "endpoint %s (%s): %s\n", p.options.Name, info.ID, done)
	e := client.Endpoint(info.ID)
	if err := answers(ctx, e, out); err != nil {
		return info.ID, err
	}
	if p.options.NoCheck {
		return info.ID, nil
	}
	return info.ID, check(ctx, e, p.options.Wait, out)
}

// makeVolume creates the volume if it does not exist.
func (p *Plan) makeVolume(ctx context.Context, m *runpod.Management, out io.Writer) error {
	if p.newVolume == nil {
		return nil
	}
	v, err := create(ctx,
		func() (*runpod.Volume, error) { return m.CreateVolume(ctx, *p.newVolume) },
		func() (*runpod.Volume, error) {
			all, err := m.Volumes(ctx)
			for _, v := range all {
				if v.Name == p.newVolume.Name {
					return &v, err
				}
			}
			return nil, err
		})
	if err != nil {
		return err
	}
	p.newVolume = nil
	p.useVolume(*v)
	fmt.Fprintf(out, "volume %s: made\n", oneLine(p.volume))
	return nil
}

func (p *Plan) ensureTemplate(ctx context.Context, m *runpod.Management) (*runpod.Template, error) {
	if p.template != nil {
		return m.UpdateTemplate(ctx, p.template.ID, p.Template)
	}
	return create(ctx,
		func() (*runpod.Template, error) { return m.CreateTemplate(ctx, p.Template) },
		func() (*runpod.Template, error) { return m.FindTemplate(ctx, p.Template.Name) })
}

// ensureEndpoint creates or updates the endpoint. It does not update an endpoint that is
// already as planned, because an update would restart its workers.
func (p *Plan) ensureEndpoint(ctx context.Context, m *runpod.Management, template string) (*runpod.EndpointInfo, string, error) {
	if p.Existing != nil && len(p.changes()) == 0 {
		return p.Existing, "as it was", nil
	}
	spec := p.Spec
	spec.TemplateID = template
	info, created, err := m.EnsureEndpoint(ctx, spec)
	if created {
		return info, "made", err
	}
	return info, "changed", err
}

// create creates something with send. If the outcome is unknown, it looks for it with find,
// so that nothing is created twice.
func create[T any](ctx context.Context, send, find func() (*T, error)) (*T, error) {
	made, err := send()
	for wait := time.Second; errors.Is(err, runpod.ErrUnknownOutcome) && wait <= 8*time.Second; wait *= 2 {
		found, findErr := find()
		if findErr != nil {
			return nil, errors.Join(err, findErr)
		}
		if found != nil {
			return found, nil
		}
		if cause := pause.For(ctx, wait); cause != nil {
			return nil, errors.Join(err, cause)
		}
	}
	return made, err
}

// pause waits. If ctx is done first, it returns the cause.
