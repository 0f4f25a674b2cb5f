// Package zmtp has the sockets that a Jupyter kernel needs, built on zmq4's connections: a
// ROUTER and an XPUB that outlive their clients, and the dialing side for tests.
//
// Greeting, handshake and reading come from github.com/go-zeromq/zmq4 (zmq4.Conn);
// CURVE, which zmq4 lacks, is ours on golang.org/x/crypto/nacl/box. zmq4's sockets
// are not used: with them, one stuck client delays the others, a connection that
// never greets blocks every later one, and a frame that announces 2^62 bytes kills
// the process. Here every peer has its own reader, its own writer and its own
// bounded queue, and every length is checked before it is allocated.
//
//	guard.go      the connection under zmq4: limits of frames and messages
//	greeting.go   the handshake
//	curve.go      CURVE: the handshake of an encrypted connection
//	curve_frames.go  its messages: boxes to frames and back
//	z85.go        keys as text
//	unknown.go    limits for peers that have not shown a key
//	frame.go      messages and their frames, for the writer
//	peer.go       one connection: reader, queue, writer
//	queue.go      the bounded queue of messages to one peer
//	xpub.go       XPUB: subscriptions, publishing, pace
//	listen.go     listening, dialing, lifetime of connections
//
// A Message is a list of frames:
//
//	sock, err := zmtp.Listen("tcp", "127.0.0.1:0", zmtp.Config{
//		Type:    zmtp.Router,
//		Receive: func(p *zmtp.Peer, m zmtp.Message) { p.Send(m) },
//	})
package zmtp
