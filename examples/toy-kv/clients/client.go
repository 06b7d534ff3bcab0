// A client of the toy server: three operations; the kit does the rest. Build it with the kit beside it:
//
//	cp targets/clients/fracas_client.go examples/toy-kv/clients/client.go DIRECTORY
//	cd DIRECTORY && go build -o client client.go fracas_client.go
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"
)

type toy struct {
	base string
	http http.Client
}

func open(node Node, hello Hello) (any, error) {
	address := fmt.Sprintf("%s:%d", node.IP, node.Ports["http"])
	timeout := time.Duration(hello.TimeoutMS) * time.Millisecond
	probe, err := net.DialTimeout("tcp", address, timeout) // refuses the session if nobody is there
	if err != nil {
		return nil, err
	}
	probe.Close()
	once := &http.Transport{DisableKeepAlives: true} // else it would send a request again by itself
	return &toy{"http://" + address + "/kv/", http.Client{Timeout: timeout, Transport: once}}, nil
}

func ask(session any, method, path string, body Object) (int, Object, error) {
	text, _ := json.Marshal(body)
	t := session.(*toy)
	request, err := http.NewRequest(method, t.base+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	response, err := t.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	var found Object
	err = json.NewDecoder(response.Body).Decode(&found)
	return response.StatusCode, found, err
}

func read(session any, op Object) (Object, error) {
	status, body, err := ask(session, "GET", op["key"].(string), nil)
	if err == nil && status != 200 && status != 404 {
		err = Fail(fmt.Sprint("status ", status))
	}
	return Object{"value": body["value"]}, err
}

func write(session any, op Object) (Object, error) {
	status, _, err := ask(session, "PUT", op["key"].(string), Object{"value": op["value"]})
	if err == nil && status != 200 {
		err = fmt.Errorf("status %d", status)
	}
	return nil, err
}

func cas(session any, op Object) (Object, error) {
	status, body, err := ask(session, "POST", op["key"].(string)+"/cas", Object{"old": op["old"], "new": op["new"]})
	if err == nil && status != 200 {
		err = fmt.Errorf("status %d", status)
	} else if err == nil && body["swapped"] != true {
		err = Fail("mismatch")
	}
	return nil, err
}

func main() {
	Run(Client{"read": read, "write": write, "cas": cas}, open)
}
