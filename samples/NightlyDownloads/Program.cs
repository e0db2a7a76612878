// A service that has files downloaded every night, and need not run meanwhile: it is launched when the night's files are there.
// Usage: dotnet run --project samples/NightlyDownloads -- --Nightly:Urls:0=https://example.org/a.bin [--Nightly:At=02:00]
using Backhaul.Client.AspNetCore;
using Backhaul.Samples.NightlyDownloads;

var builder = WebApplication.CreateSlimBuilder(args);
var nightly = NightlyOptions.Read(builder.Configuration.GetSection("Nightly"));
builder.Services.AddSingleton(nightly);
builder.Services.AddSingleton<NightPlanner>();
builder.Services
    .AddBackhaul(builder.Configuration.GetSection("Backhaul"))
    .AddSession<NightlySession>(
        NightPlanner.Session, nightly.Configuration, nightly.Launch is null ? SessionPresence.Attached : SessionPresence.OnLaunch);
builder.Services.AddHostedService(services => services.GetRequiredService<NightPlanner>());

var app = builder.Build();
if (nightly.Launch is { Secret: { } secret })
    app.MapBackhaulLaunches("/launches", secret);
app.MapGet("/", (NightPlanner planner, CancellationToken stop) => planner.DescribeAsync(stop));
app.Run();
