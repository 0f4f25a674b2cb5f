package rt

import "time"

// Sleep replaces time.Sleep.
func Sleep(d time.Duration) {
	intr := Intr()
	if intr == nil {
		time.Sleep(d)
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-intr:
		panic(Interrupted{})
	}
}

// Recv replaces <-ch.
func Recv[T any](ch <-chan T) T {
	select {
	case v := <-ch:
		return v
	default:
	}
	select {
	case v := <-ch:
		return v
	case <-Intr():
		panic(Interrupted{})
	}
}

// Recv2 replaces v, ok := <-ch.
func Recv2[T any](ch <-chan T) (T, bool) {
	select {
	case v, ok := <-ch:
		return v, ok
	default:
	}
	select {
	case v, ok := <-ch:
		return v, ok
	case <-Intr():
		panic(Interrupted{})
	}
}

// Send replaces ch <- v.
func Send[T any](ch chan<- T, v T) {
	select {
	case ch <- v:
		return
	default:
	}
	select {
	case ch <- v:
	case <-Intr():
		panic(Interrupted{})
	}
}

// Range replaces ranging over a channel.
func Range[T any](ch <-chan T) func(func(T) bool) {
	return func(yield func(T) bool) {
		for {
			Check()
			v, ok := Recv2(ch)
			if !ok || !yield(v) {
				return
			}
		}
	}
}
