import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import javax.xml.XMLConstants;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.Schema;
import javax.xml.validation.SchemaFactory;
import javax.xml.validation.Validator;
import org.xml.sax.ErrorHandler;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;

/**
 * The JDK's judge (Xerces) of the differential test.
 *
 * <p>{@code java Xsd.java SCHEMA} reads file names from standard input, one a line, and answers
 * each with one line: {@code valid}, or {@code invalid} and the first fault. It ends with its
 * input.
 */
public final class Xsd {
    /** Without it Xerces counts UTF-16 units where XSD counts characters. Read once, at start. */
    private static final String COUNT_CODE_POINTS =
            "com.sun.org.apache.xerces.internal.impl.dv.xs.useCodePointCountForStringLength";

    private Xsd() {}

    public static void main(String[] arguments) throws IOException, SAXException {
        System.setProperty(COUNT_CODE_POINTS, "true");
        SchemaFactory factory = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI);
        Schema schema = factory.newSchema(new File(arguments[0]));
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader files =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String file = files.readLine(); file != null; file = files.readLine()) {
            answers.println(judge(schema, new File(file)));
        }
    }

    private static String judge(Schema schema, File file) throws IOException {
        Validator validator = schema.newValidator();
        validator.setErrorHandler(new FirstFault());
        try {
            validator.validate(new StreamSource(file));
            return "valid";
        } catch (SAXException fault) {
            return "invalid " + oneLine(fault);
        } catch (IOException unreadable) {
            // Xerces reports bytes that the encoding does not allow as an I/O error.
            return "invalid " + oneLine(unreadable);
        }
    }

    private static String oneLine(Exception fault) {
        return String.valueOf(fault.getMessage()).replaceAll("\\s+", " ");
    }

    /** Stops at the first error: what follows is of no interest. */
    private static final class FirstFault implements ErrorHandler {
        @Override
        public void warning(SAXParseException fault) {
            // A warning does not make a message invalid.
        }

        @Override
        public void error(SAXParseException fault) throws SAXParseException {
            throw fault;
        }

        @Override
        public void fatalError(SAXParseException fault) throws SAXParseException {
            throw fault;
        }
    }
}
