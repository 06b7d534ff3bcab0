// The loop of a fracas client program (`fracas.client/1`): copy this file beside your client.
//
// A client is a map from the word of an operation to what performs it in a session:
//
//     FracasClient.run(Map.of("read", (Client c, Map<String, Object> op) -> c.read(op)), Client::open);
//
// What performs one returns what `ok` tells (null is {}), or throws: Fail says that the operation
// certainly did not and never will take effect; every other exception says that nobody knows. An
// exception of `open` refuses the session. Never try an operation again. A third argument of `run`, if
// there is one, tells who leads: it returns Map.of("role", "leader", "generation", 5) for a node. JSON is
// read into Map, List, String, Long, Double, Boolean and null, and written from them.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public final class FracasClient {
    /** The operation certainly did not, and never will, take effect. */
    public static final class Fail extends Exception {
        public Fail(String why) { super(why); }
    }

    /** Where a session is opened. */
    public record Node(String name, String ip, Map<String, Object> ports) {}

    /** Tells whether a node leads, and in which generation. */
    public interface Status { Map<String, Object> of(Node node, Map<String, Object> hello) throws Exception; }

    public interface Opener<S> { S open(Node node, Map<String, Object> hello) throws Exception; }

    public interface Operation<S> {
        Map<String, Object> perform(S session, Map<String, Object> op) throws Exception;
    }

    /** Speaks the protocol until standard input ends. A session that is AutoCloseable is closed. */
    public static <S> void run(Map<String, Operation<S>> client, Opener<S> opener) throws Exception {
        run(client, opener, null);
    }

    /** The same; nodes are asked who leads. */
    public static <S> void run(Map<String, Operation<S>> client, Opener<S> opener, Status status) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // what is printed is no answer
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Map<String, Object> hello = object(parse(in.readLine()));
        List<String> serves = new ArrayList<>(client.keySet());
        if (status != null) serves.add("status");
        out.println(json(Map.of("ready", true, "serves", serves)));
        S session = null;
        for (String text = in.readLine(); text != null; text = in.readLine()) {
            Map<String, Object> line = object(parse(text));
            if (line.containsKey("status")) {
                Map<String, Object> answer = new LinkedHashMap<>();
                try {
                    answer.putAll(status.of(node(hello, line.get("status")), hello));
                } catch (Exception error) {
                    answer.put("unknown", error.toString());
                }
                answer.put("status", line.get("status"));
                out.println(json(answer));
            } else if (line.containsKey("open")) {
                try {
                    session = opener.open(node(hello, line.get("node")), hello);
                    out.println(json(Map.of("opened", line.get("open"))));
                } catch (Exception error) {
                    out.println(json(Map.of("refused", line.get("open"), "why", error.toString())));
                }
            } else if (line.containsKey("close")) {
                try {
                    if (session instanceof AutoCloseable closeable) closeable.close();
                } catch (Exception error) {
                    System.err.println("close: " + error);
                }
                session = null;
            } else {
                out.println(json(answer(client, session, line)));
            }
        }
    }

    private static Node node(Map<String, Object> hello, Object name) {
        Map<String, Object> told = object(object(hello.get("nodes")).get(name));
        return new Node((String) name, (String) told.get("ip"), object(told.get("ports")));
    }

    private static <S> Map<String, Object> answer(Map<String, Operation<S>> client, S session, Map<String, Object> op) {
        Object id = op.get("id");
        try {
            Map<String, Object> told = client.get((String) op.get("op")).perform(session, op);
            return Map.of("id", id, "ok", told == null ? Map.of() : told);
        } catch (Fail error) {
            return Map.of("id", id, "fail", error.getMessage());
        } catch (Exception error) {
            return Map.of("id", id, "info", error.toString());
        }
    }

    @SuppressWarnings("unchecked")
    public static Map<String, Object> object(Object json) { return (Map<String, Object>) json; }

    /** A value as JSON. */
    public static String json(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    private static void write(Object value, StringBuilder out) {
        if (value instanceof Map<?, ?> map) {
            String comma = "{";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                out.append(comma);
                write(entry.getKey(), out);
                out.append(':');
                write(entry.getValue(), out);
                comma = ",";
            }
            out.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof Iterable<?> items) {
            out.append('[');
            String comma = "";
            for (Object item : items) {
                out.append(comma);
                write(item, out);
                comma = ",";
            }
            out.append(']');
        } else if (value instanceof String text) {
            out.append('"');
            for (char letter : text.toCharArray()) {
                if (letter == '"' || letter == '\\') out.append('\\').append(letter);
                else if (letter < ' ') out.append(String.format("\\u%04x", (int) letter));
                else out.append(letter);
            }
            out.append('"');
        } else {
            out.append(value);
        }
    }

    /** JSON as a value. */
    public static Object parse(String text) { return new Reader(text).whole(); }

    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) { this.text = text; }

        Object whole() {
            Object value = value();
            if (next() != 0) throw bad();
            return value;
        }

        private char next() {
            while (at < text.length() && text.charAt(at) <= ' ') at++;
            return at < text.length() ? text.charAt(at) : 0;
        }

        private boolean skip(char letter) {
            if (next() != letter) return false;
            at++;
            return true;
        }

        private IllegalArgumentException bad() { return new IllegalArgumentException("no JSON: " + text); }

        private Object value() {
            switch (next()) {
                case '{': return members();
                case '[': return items();
                case '"': return string();
                default: return word();
            }
        }

        private Map<String, Object> members() {
            Map<String, Object> found = new LinkedHashMap<>();
            skip('{');
            while (!skip('}')) {
                if (!found.isEmpty() && !skip(',')) throw bad();
                if (next() != '"') throw bad();
                String name = string();
                if (!skip(':')) throw bad();
                found.put(name, value());
            }
            return found;
        }

        private List<Object> items() {
            List<Object> found = new ArrayList<>();
            skip('[');
            while (!skip(']')) {
                if (!found.isEmpty() && !skip(',')) throw bad();
                found.add(value());
            }
            return found;
        }

        private String string() {
            StringBuilder found = new StringBuilder();
            for (at++; ; at++) {
                if (at >= text.length()) throw bad();
                char letter = text.charAt(at);
                if (letter == '"') {
                    at++;
                    return found.toString();
                }
                if (letter != '\\') {
                    found.append(letter);
                    continue;
                }
                letter = text.charAt(++at);
                int plain = "nrtbf".indexOf(letter);
                if (letter == 'u') {
                    found.append((char) Integer.parseInt(text.substring(at + 1, at + 5), 16));
                    at += 4;
                } else {
                    found.append(plain < 0 ? letter : "\n\r\t\b\f".charAt(plain));
                }
            }
        }

        private Object word() {
            int start = at;
            while (at < text.length() && ",]} \t\n".indexOf(text.charAt(at)) < 0) at++;
            String word = text.substring(start, at);
            switch (word) {
                case "true": return true;
                case "false": return false;
                case "null": return null;
                default: return word.matches("-?\\d+") ? (Object) Long.valueOf(word) : (Object) Double.valueOf(word);
            }
        }
    }
}
