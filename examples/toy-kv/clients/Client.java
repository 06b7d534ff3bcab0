// A client of the toy server: three operations; the kit does the rest. Compile it with the kit:
//
//     javac -d DIRECTORY targets/clients/FracasClient.java examples/toy-kv/clients/Client.java
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

public final class Client {
    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final String base;
    private final Duration timeout;

    private Client(FracasClient.Node node, Map<String, Object> hello) throws Exception {
        int port = ((Long) node.ports().get("http")).intValue();
        base = "http://" + node.ip() + ":" + port + "/kv/";
        timeout = Duration.ofMillis((Long) hello.get("timeout_ms"));
        try (Socket probe = new Socket()) { // refuses the session if nobody is there
            probe.connect(new InetSocketAddress(node.ip(), port), (int) timeout.toMillis());
        }
    }

    private Map<String, Object> ask(String method, Object path, Map<String, Object> body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(base + path)).timeout(timeout)
            .method(method, HttpRequest.BodyPublishers.ofString(FracasClient.json(body))).build();
        HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
        boolean read = method.equals("GET") && response.statusCode() == 404;
        if (response.statusCode() != 200 && !read) throw new Exception("status " + response.statusCode());
        return FracasClient.object(FracasClient.parse(response.body()));
    }

    private Map<String, Object> read(Map<String, Object> op) throws Exception {
        Map<String, Object> told = new HashMap<>(); // `Map.of` takes no null
        told.put("value", ask("GET", op.get("key"), Map.of()).get("value"));
        return told;
    }

    private Map<String, Object> write(Map<String, Object> op) throws Exception {
        ask("PUT", op.get("key"), Map.of("value", op.get("value")));
        return null;
    }

    private Map<String, Object> cas(Map<String, Object> op) throws Exception {
        Map<String, Object> body = Map.of("old", op.get("old"), "new", op.get("new"));
        if (ask("POST", op.get("key") + "/cas", body).get("swapped").equals(true)) return null;
        throw new FracasClient.Fail("mismatch");
    }

    public static void main(String[] arguments) throws Exception {
        System.setProperty("jdk.httpclient.enableAllMethodRetry", "false");
        System.setProperty("jdk.httpclient.disableRetryConnect", "true");
        FracasClient.run(Map.of("read", Client::read, "write", Client::write, "cas", Client::cas), Client::new);
    }
}
