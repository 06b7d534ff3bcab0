// Performs operations on NAME: put your protocol in the place of these lines of text over TCP.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.HashMap;
import java.util.Map;

public final class Client implements AutoCloseable {
    private final Socket socket = new Socket();
    private final BufferedReader answers;

    /** A session of one process; an exception refuses it. */
    private Client(FracasClient.Node node, Map<String, Object> hello) throws Exception {
        int millis = ((Long) hello.get("timeout_ms")).intValue();
        socket.connect(new InetSocketAddress(node.ip(), ((Long) node.ports().get("client")).intValue()), millis);
        socket.setSoTimeout(millis);
        answers = new BufferedReader(new InputStreamReader(socket.getInputStream()));
    }

    /** Once, and never again; an exception means that nobody knows. */
    private String ask(String line) throws Exception {
        socket.getOutputStream().write((line + "\n").getBytes());
        String answer = answers.readLine();
        if (answer == null) throw new Exception("the connection ended");
        return answer;
    }

    private Map<String, Object> read(Map<String, Object> op) throws Exception {
        String answer = ask("GET " + op.get("key"));
        Map<String, Object> told = new HashMap<>(); // `Map.of` takes no null
        told.put("value", answer.equals("NONE") ? null : Long.valueOf(answer));
        return told;
    }

    private Map<String, Object> write(Map<String, Object> op) throws Exception {
        String answer = ask("SET " + op.get("key") + " " + op.get("value"));
        if (answer.equals("REFUSED")) throw new FracasClient.Fail(answer); // certainly never takes effect
        if (!answer.equals("OK")) throw new Exception(answer);
        return null;
    }

    @Override
    public void close() throws Exception { socket.close(); }

    public static void main(String[] arguments) throws Exception {
        FracasClient.run(Map.of("read", Client::read, "write", Client::write), Client::new);
    }
}
