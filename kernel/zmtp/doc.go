// Package zmtp speaks ZMTP 3.0 (https://rfc.zeromq.org/spec/23/), the protocol
// under ZeroMQ sockets, as far as a Jupyter kernel needs it: the NULL mechanism
// over tcp and unix sockets, a ROUTER, an XPUB, and the dialing side for tests.
//
// It exists because the kernel has to outlive its clients. With the libraries
// for Go one stuck client delays the others, a connection that never greets
// blocks every later one, and a frame that announces 2^62 bytes kills the
// process. Here every peer has its own reader, its own writer and its own
// bounded queue, and every length is checked before it is allocated.
//
//	frame.go      frames and commands: functions on bytes
//	greeting.go   greeting and READY handshake
//	peer.go       one connection: reader, queue, writer
//	queue.go      the bounded queue of messages to one peer
//	xpub.go       XPUB: subscriptions, publishing, pace
//	listen.go     listening, dialing, life of connections
//
// A Message is a list of frames:
//
//	sock, err := zmtp.Listen("tcp", "127.0.0.1:0", zmtp.Config{
//		Type:    zmtp.Router,
//		Receive: func(p *zmtp.Peer, m zmtp.Message) { p.Send(m) },
//	})
package zmtp
