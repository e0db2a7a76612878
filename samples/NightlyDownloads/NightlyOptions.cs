using System.Globalization;
using Backhaul.Protocol;

namespace Backhaul.Samples.NightlyDownloads;

/// <summary>What is downloaded, and when.</summary>
/// <param name="Urls">The files.</param>
/// <param name="At">The time of day in UTC; null is at once.</param>
/// <param name="Launch">Set, the service is launched there when there is something to handle; null, it is attached while it runs.</param>
internal sealed record NightlyOptions(IReadOnlyList<Uri> Urls, TimeOnly? At, LaunchConfiguration? Launch)
{
    public SessionConfiguration Configuration => new() { Launch = Launch };

    public static NightlyOptions Read(IConfiguration section)
    {
        var urls = section.GetSection("Urls").GetChildren().Select(url => new Uri(url.Value!)).ToList();
        var at = section["At"] ?? "02:00";
        return new NightlyOptions(
            urls.Count > 0 ? urls : [new Uri("https://example.org/")],
            at == "now" ? null : TimeOnly.ParseExact(at, "HH:mm", CultureInfo.InvariantCulture),
            section["LaunchUrl"] is { } url ? new LaunchConfiguration { Url = url, Secret = section["Secret"] } : null);
    }
}
