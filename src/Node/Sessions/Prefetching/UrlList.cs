using System.Text;
using System.Text.Json;
using System.Xml;

namespace Backhaul.Node.Sessions;

/// <summary>
/// A list of URLs as servers give it, told apart by its first character: <c>&lt;prefetchUris&gt;&lt;uri&gt;…&lt;/uri&gt;&lt;/prefetchUris&gt;</c>, a JSON array of
/// texts, else text with one URL on each line. Pure. What it names are only texts: whether each is a URL is judged one by one.
/// </summary>
internal static class UrlList
{
    private const string Root = "prefetchUris";
    private const string Entry = "uri";

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The URLs in their order; null with a sentence when it is no list.</summary>
    public static IReadOnlyList<string>? Read(byte[] content, int urlsMax, out string fault)
    {
        fault = "";
        try
        {
            var urls = IsXml(content) ? ReadXml(content, urlsMax) : ReadText(content);
            if (urls.Count <= urlsMax)
                return urls;
            fault = $"The list has more than {urlsMax} URLs.";
        }
        catch (Exception unreadable) when (unreadable is XmlException or JsonException or DecoderFallbackException or FormatException)
        {
            fault = unreadable switch
            {
                XmlException xml => $"The list is not XML as expected (line {xml.LineNumber}): it holds <{Root}><{Entry}>…</{Entry}></{Root}>, without a document type.",
                JsonException => "The list is not a JSON array of texts.",
                DecoderFallbackException => "The list is not text in UTF-8.",
                _ => unreadable.Message,
            };
        }
        return null;
    }

    /// <summary>Also in UTF-16, which its own declaration may say.</summary>
    private static bool IsXml(byte[] content)
    {
        foreach (var one in content)
        {
            if (one == '<')
                return true;
            if (one is not (0xEF or 0xBB or 0xBF or 0xFE or 0xFF or 0x00 or (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))
                return false;
        }
        return false;
    }

    private static List<string> ReadText(byte[] content)
    {
        var text = StrictUtf8.GetString(content).TrimStart('\uFEFF', ' ', '\t', '\r', '\n');
        if (!text.StartsWith('['))
            return [.. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
        using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 2 });
        List<string> urls = [];
        foreach (var entry in json.RootElement.EnumerateArray())
            urls.Add(entry.ValueKind is JsonValueKind.String ? entry.GetString()! : throw new JsonException("An entry is not a text."));
        return urls;
    }

    private static List<string> ReadXml(byte[] content, int urlsMax)
    {
        List<string> urls = [];
        using var stream = new MemoryStream(content, writable: false);
        using var xml = XmlReader.Create(stream, new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = PrefetchSettings.ListBytesMax,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
            IgnoreWhitespace = true,
        });
        xml.MoveToContent();
        xml.ReadStartElement(Root);
        if (xml.NodeType is XmlNodeType.None) // it was <prefetchUris/>
            return urls;
        while (xml.IsStartElement(Entry) && urls.Count <= urlsMax)
            urls.Add(xml.ReadElementContentAsString().Trim());
        if (urls.Count <= urlsMax && xml.NodeType is not XmlNodeType.EndElement)
            throw new FormatException($"The list holds <{xml.Name}> where <{Entry}> is expected.");
        return urls;
    }
}
