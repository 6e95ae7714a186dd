var builder = WebApplication.CreateSlimBuilder(args);
builder.Services.AddSingleton(_ => SmallModel.Load());
var app = builder.Build();

// curl -N 'http://localhost:5000/generate?prompt=The+small+robot'
app.MapGet("/generate", async (string prompt, HttpResponse response, SmallModel model, CancellationToken cancellation) =>
{
    response.ContentType = "text/plain; charset=utf-8";
    await foreach (var piece in model.GenerateAsync(prompt, new() { MaxTokens = 100 }, cancellation))
    {
        await response.WriteAsync(piece, cancellation);
        await response.Body.FlushAsync(cancellation);
    }
});

app.Run();
