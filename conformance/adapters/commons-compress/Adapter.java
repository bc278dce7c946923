import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.compress.archivers.ArchiveException;
import org.apache.commons.compress.archivers.dump.DumpArchiveEntry;
import org.apache.commons.compress.archivers.dump.DumpArchiveInputStream;

/**
 * Adapter: Apache Commons Compress as a reader of dump streams (docs/conformance/protocol).
 *
 * <p>Run as source file by `java`; knows no DARI. An error that the library declares is a refusal,
 * any other exception a crash: then it ends as a shell does after SIGABRT.
 */
public final class Adapter {
    private static final int CRASHED = 134;
    private static final long NANOSECONDS_PER_MILLISECOND = 1_000_000L;
    private static final Map<DumpArchiveEntry.TYPE, String> TYPES =
            Map.of(
                    DumpArchiveEntry.TYPE.DIRECTORY, "directory",
                    DumpArchiveEntry.TYPE.FILE, "file",
                    DumpArchiveEntry.TYPE.LINK, "symlink",
                    DumpArchiveEntry.TYPE.FIFO, "fifo",
                    DumpArchiveEntry.TYPE.SOCKET, "socket",
                    DumpArchiveEntry.TYPE.CHRDEV, "character",
                    DumpArchiveEntry.TYPE.BLKDEV, "block");

    public static void main(String[] words) throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String command = member(line, "cmd");
                if ("stop".equals(command)) {
                    return;
                }
                out.println("start".equals(command) ? about() : answer(line));
                out.flush();
            }
        } catch (Throwable thrown) {
            thrown.printStackTrace();
            Runtime.getRuntime().halt(CRASHED);
        }
    }

    private static String about() {
        String version = DumpArchiveInputStream.class.getPackage().getImplementationVersion();
        return "{\"protocol\": 1, \"implementation\": {\"name\": \"commons-compress\", \"version\": "
                + quoted(version == null ? "" : version)
                + ", \"language\": \"Java\","
                + " \"homepage\": \"https://commons.apache.org/proper/commons-compress/\"},"
                + " \"tasks\": [\"decode\"], \"features\": [\"dump\", \"dari-core\", \"acl\","
                + " \"streams\"], \"fields\": [\"inode\", \"mode\", \"uid\", \"gid\","
                + " \"size\", \"mtime\", \"atime\", \"target\", \"sha256\"],"
                + " \"time_resolution_ns\": 1000000}";
    }

    private static String answer(String line) throws Exception {
        String head = "{\"seq\": " + number(line, "seq") + ", ";
        if (!"decode".equals(member(line, "task"))) {
            return head + "\"unsupported\": {\"message\": \"no such task\"}}";
        }
        try {
            String found = inventory(member(line, "image"));
            return head + "\"results\": {\"accepted\": true, \"inventory\": " + found + "}}";
        } catch (ArchiveException | IOException error) {
            String reason = quoted(String.valueOf(error.getMessage()));
            return head + "\"results\": {\"accepted\": false, \"message\": " + reason + "}}";
        }
    }

    private static String inventory(String image) throws Exception {
        Map<Integer, List<String>> paths = new TreeMap<>();
        Map<Integer, String> inodes = new TreeMap<>();
        try (FileInputStream file = new FileInputStream(image);
                DumpArchiveInputStream dump = new DumpArchiveInputStream(file, "ISO-8859-1")) {
            for (DumpArchiveEntry entry = dump.getNextDumpEntry();
                    entry != null;
                    entry = dump.getNextDumpEntry()) {
                List<String> known = paths.computeIfAbsent(entry.getIno(), n -> new ArrayList<>());
                known.add(plain(entry.getName()));
                inodes.putIfAbsent(entry.getIno(), described(dump, entry));
            }
        }
        List<String> all = new ArrayList<>();
        for (Map.Entry<Integer, String> inode : inodes.entrySet()) {
            List<String> names = paths.get(inode.getKey());
            Collections.sort(names);
            List<String> told = new ArrayList<>();
            for (String name : names) {
                told.add(bytes(name.getBytes(StandardCharsets.ISO_8859_1)));
            }
            all.add("{\"paths\": [" + String.join(", ", told) + "], " + inode.getValue() + "}");
        }
        return "{\"inventory\": 1, \"inodes\": [" + String.join(", ", all) + "]}";
    }

    private static String described(DumpArchiveInputStream dump, DumpArchiveEntry entry)
            throws Exception {
        StringBuilder told = new StringBuilder();
        told.append("\"inode\": ").append(Integer.toUnsignedLong(entry.getIno()));
        String type = TYPES.getOrDefault(entry.getType(), "unknown");
        told.append(", \"type\": ").append(quoted(type));
        told.append(String.format(", \"mode\": \"%04o\"", entry.getMode() & 07777));
        told.append(", \"uid\": ").append(Integer.toUnsignedLong(entry.getUserId()));
        told.append(", \"gid\": ").append(Integer.toUnsignedLong(entry.getGroupId()));
        told.append(", \"mtime\": ").append(time(entry.getLastModifiedDate().getTime()));
        told.append(", \"atime\": ").append(time(entry.getAccessTime().getTime()));
        if (type.equals("file") || type.equals("symlink")) {
            told.append(contents(dump, entry, type));
        }
        return told.toString();
    }

    private static String contents(DumpArchiveInputStream dump, DumpArchiveEntry entry, String type)
            throws Exception {
        MessageDigest hash = MessageDigest.getInstance("SHA-256");
        byte[] target = new byte[0];
        byte[] buffer = new byte[1 << 16];
        for (int count = dump.read(buffer); count > 0; count = dump.read(buffer)) {
            hash.update(buffer, 0, count);
            if (type.equals("symlink") && target.length == 0) {
                target = java.util.Arrays.copyOf(buffer, count);
            }
        }
        if (type.equals("symlink")) {
            return ", \"target\": " + bytes(target);
        }
        StringBuilder digits = new StringBuilder();
        for (byte one : hash.digest()) {
            digits.append(String.format("%02x", one));
        }
        return ", \"size\": \"" + entry.getSize() + "\", \"sha256\": \"" + digits + "\"";
    }

    /** Returns a path as an inventory has it: from the root, without slashes at its ends. */
    private static String plain(String name) {
        String made = name.replaceFirst("^\\./?", "").replaceFirst("^/+", "");
        return made.replaceFirst("/+$", "");
    }

    private static String time(long milliseconds) {
        java.math.BigInteger all = java.math.BigInteger.valueOf(milliseconds);
        return "\"" + all.multiply(java.math.BigInteger.valueOf(NANOSECONDS_PER_MILLISECOND)) + "\"";
    }

    private static String bytes(byte[] value) {
        try {
            String text =
                    StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(value)).toString();
            return "{\"text\": " + quoted(text) + "}";
        } catch (CharacterCodingException notText) {
            return "{\"base64\": \"" + Base64.getEncoder().encodeToString(value) + "\"}";
        }
    }

    private static String quoted(String text) {
        StringBuilder made = new StringBuilder("\"");
        for (char one : text.toCharArray()) {
            if (one == '"' || one == '\\' || one < ' ' || one > '~') {
                made.append(String.format("\\u%04x", (int) one));
            } else {
                made.append(one);
            }
        }
        return made.append('"').toString();
    }

    /** Returns a text member of a line of the protocol; the runner escapes as JSON does. */
    private static String member(String line, String name) {
        Matcher found =
                Pattern.compile("\"" + name + "\": *\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(line);
        if (!found.find()) {
            return "";
        }
        StringBuilder made = new StringBuilder();
        Matcher part = Pattern.compile("\\\\u(\\p{XDigit}{4})|\\\\(.)|([^\\\\])").matcher(found.group(1));
        while (part.find()) {
            if (part.group(1) != null) {
                made.append((char) Integer.parseInt(part.group(1), 16));
            } else {
                made.append(part.group(2) != null ? part.group(2) : part.group(3));
            }
        }
        return made.toString();
    }

    private static String number(String line, String name) {
        Matcher found = Pattern.compile("\"" + name + "\": *(\\d+)").matcher(line);
        return found.find() ? found.group(1) : "0";
    }
}
