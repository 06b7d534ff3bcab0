// Performs operations on NAME: put your protocol in the place of these lines of text over TCP.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

type session struct {
	net.Conn
	answers *bufio.Reader
	timeout time.Duration
}

// A session of one process; an error refuses it.
func open(node Node, hello Hello) (any, error) {
	timeout := time.Duration(hello.TimeoutMS) * time.Millisecond
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", node.IP, node.Ports["client"]), timeout)
	if err != nil {
		return nil, err
	}
	return &session{conn, bufio.NewReader(conn), timeout}, nil
}

// Once, and never again; an error means that nobody knows.
func ask(s any, line string) (string, error) {
	conn := s.(*session)
	conn.SetDeadline(time.Now().Add(conn.timeout))
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return "", err
	}
	answer, err := conn.answers.ReadString('\n')
	return strings.TrimSpace(answer), err
}

func read(s any, op Object) (Object, error) {
	answer, err := ask(s, fmt.Sprint("GET ", op["key"]))
	if err != nil || answer == "NONE" {
		return Object{"value": nil}, err
	}
	value, err := strconv.ParseInt(answer, 10, 64)
	return Object{"value": value}, err
}

func write(s any, op Object) (Object, error) {
	answer, err := ask(s, fmt.Sprint("SET ", op["key"], " ", op["value"]))
	switch {
	case err != nil || answer == "OK":
		return nil, err
	case answer == "REFUSED": // only if it certainly never takes effect
		return nil, Fail(answer)
	default:
		return nil, errors.New(answer)
	}
}

func main() {
	Run(Client{"read": read, "write": write}, open)
}
