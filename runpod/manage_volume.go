package runpod

import (
	"context"
	"net/http"
)

// A VolumeSpec describes a network volume to create. Workers have it mounted at
// /runpod-volume.
//
// Source: docs.runpod.io, API reference (v2), network-volumes.
type VolumeSpec struct {
	Name       string `json:"name"`
	Size       int    `json:"size"`           // GB, 10 to 4096
	DataCenter string `json:"dataCenter"`     // "EU-RO-1"
	Type       string `json:"type,omitempty"` // STANDARD, HIGH_PERFORMANCE
}

// A Volume is a network volume as the service describes it.
type Volume struct {
	ID string `json:"id"`
	VolumeSpec
}

// Volumes lists the account's network volumes.
func (m *Management) Volumes(ctx context.Context) ([]Volume, error) {
	return list[Volume](ctx, m, "networkVolumes", nil, "network-volumes")
}

// Volume returns the volume with that id.
func (m *Management) Volume(ctx context.Context, id string) (*Volume, error) {
	out := new(Volume)
	return out, m.get(ctx, out, nil, "network-volumes", id)
}

// CreateVolume creates a volume, which is billed by its size from then on.
func (m *Management) CreateVolume(ctx context.Context, s VolumeSpec) (*Volume, error) {
	if s.Name == "" || s.DataCenter == "" || s.Size < 10 || s.Size > 4096 {
		return nil, invalid(opManage, "", "volume %.80q: it wants a name, a data centre and a size of 10 to 4096 GB", s.Name)
	}
	out := new(Volume)
	return out, m.do(ctx, http.MethodPost, []string{"network-volumes"}, nil, s, out)
}

// ResizeVolume renames a volume (unless name is empty) and makes it larger (unless
// size is 0); it cannot become smaller.
func (m *Management) ResizeVolume(ctx context.Context, id, name string, size int) (*Volume, error) {
	in := struct {
		Name string `json:"name,omitempty"`
		Size int    `json:"size,omitempty"`
	}{name, size}
	out := new(Volume)
	return out, m.do(ctx, http.MethodPatch, []string{"network-volumes", id}, nil, in, out)
}

// DeleteVolume deletes a volume and its content.
func (m *Management) DeleteVolume(ctx context.Context, id string) error {
	return m.remove(ctx, "network-volumes", id)
}
