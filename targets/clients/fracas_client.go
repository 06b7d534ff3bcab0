// The loop of a fracas client program (`fracas.client/1`): copy this file beside your client, into
// the same package.
//
// A client is a Client: what opens a session, and a function per operation.
//
//	func main() { Run(Client{"read": read, "write": write}, open) }
//
// A function returns what `ok` tells (nil is {}), or an error: Fail("why") says that the operation
// certainly did not and never will take effect; every other error says that nobody knows. An error of
// `open` refuses the session. Never try an operation again. A last argument of Run, if there is one,
// tells who leads: it returns Object{"role": "leader", "generation": 5} for a node.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Object is one line, or a part of one.
type Object = map[string]any

// Node is where a session is opened.
type Node struct {
	Name  string
	IP    string         `json:"ip"`
	Ports map[string]int `json:"ports"`
}

// Hello is what the client is told first.
type Hello struct {
	Client     int               `json:"client"`
	Nodes      map[string]Node   `json:"nodes"`
	TimeoutMS  int               `json:"timeout_ms"`
	Parameters map[string]string `json:"parameters"`
}

// Fail says that an operation certainly did not, and never will, take effect.
type Fail string

func (why Fail) Error() string { return string(why) }

// Client has a function for each operation, by its word. Numbers in `op` are json.Number.
type Client map[string]func(session any, op Object) (Object, error)

// Run speaks the protocol until standard input ends. A session that is an io.Closer is closed.
func Run(client Client, open func(node Node, hello Hello) (any, error), status ...func(node Node, hello Hello) (Object, error)) {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	os.Stdout = os.Stderr // what is printed is no answer
	say := func(line Object) {
		if err := out.Encode(line); err != nil {
			os.Exit(1)
		}
	}
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	in.UseNumber()
	var hello Hello
	if err := in.Decode(&hello); err != nil {
		fmt.Fprintln(os.Stderr, "hello:", err)
		os.Exit(1)
	}
	serves := []string{}
	for word := range client {
		serves = append(serves, word)
	}
	if len(status) > 0 {
		serves = append(serves, "status")
	}
	say(Object{"ready": true, "serves": serves})
	var session any
	for {
		var line Object
		if err := in.Decode(&line); err != nil {
			return
		}
		if name, ok := line["status"].(string); ok {
			told, err := status[0](hello.node(name), hello)
			if err != nil {
				told = Object{"unknown": err.Error()}
			}
			told["status"] = name
			say(told)
		} else if process, ok := line["open"]; ok {
			opened, err := open(hello.node(line["node"].(string)), hello)
			if err != nil {
				say(Object{"refused": process, "why": err.Error()})
				continue
			}
			session = opened
			say(Object{"opened": process})
		} else if _, ok := line["close"]; ok {
			if closer, ok := session.(io.Closer); ok {
				if err := closer.Close(); err != nil {
					fmt.Fprintln(os.Stderr, "close:", err)
				}
			}
			session = nil
		} else {
			say(answer(client, session, line))
		}
	}
}

func (hello Hello) node(name string) Node {
	node := hello.Nodes[name]
	node.Name = name
	return node
}

func answer(client Client, session any, op Object) Object {
	told, err := client[op["op"].(string)](session, op)
	switch why := err.(type) {
	case nil:
		if told == nil {
			told = Object{}
		}
		return Object{"id": op["id"], "ok": told}
	case Fail:
		return Object{"id": op["id"], "fail": string(why)}
	default:
		return Object{"id": op["id"], "info": err.Error()}
	}
}
