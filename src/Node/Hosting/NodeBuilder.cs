using Microsoft.Extensions.Logging.Console;

namespace Backhaul.Node.Hosting;

/// <summary>The bare host: configuration from appsettings.json, environment, command line and mounted secrets, log lines on the console, Kestrel.</summary>
internal static class NodeBuilder
{
    public static WebApplicationBuilder Create(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ApplicationName = "Backhaul.Node" });
        // Secrets are mounted as files, one for each option; they win over what a deployment's public part says.
        if (builder.Configuration["Backhaul:SecretsDirectory"] is { Length: > 0 } secrets && Directory.Exists(secrets))
            builder.Configuration.AddKeyPerFile(Path.GetFullPath(secrets));
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        // A type that cannot be made is found at the start, not by the first request that needs it.
        builder.Host.UseDefaultServiceProvider(container => container.ValidateOnBuild = true);
        builder.Logging.ClearProviders();
        builder.Logging.AddConsole(console => console.FormatterName = ConsoleLines.FormatterName);
        builder.Logging.AddConsoleFormatter<ConsoleLines, ConsoleFormatterOptions>();
        builder.Logging.AddFilter<ConsoleLoggerProvider>("Microsoft", LogLevel.Warning);
        return builder;
    }
}
